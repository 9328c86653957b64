"""Cells as foreground and, of each, the distance from its border; touching cells are cut apart along low distances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from cell_pipelines.representations.base import Activation, Instances, Scores, Window
from cell_pipelines.representations.components import label_components
from cell_pipelines.representations.filling import fill_enclosed
from cell_pipelines.representations.joining import check_most_pass, join_shallow
from cell_pipelines.representations.label_check import check_labels
from cell_pipelines.representations.levels import Rules, sweep_levels
from cell_pipelines.representations.maps import Maps, check_maps, check_outputs, join_maps, to_compact, to_map
from cell_pipelines.representations.peaks import split_at_peaks
from cell_pipelines.representations.sizes import threshold_for
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, LabelImage


@dataclass(frozen=True)
class Distance:
    """Foreground, and each pixel's distance from the outside of its cell as a share of the cell's largest.

    Distances are Euclidean, other cells are outside, what lies beyond the image's border is not. Of two touching
    cells of different size the smaller one can gain pixels of the border between them: as a share, its own distances
    rise faster. Two centres nearer than the threshold's minimum distance are one cell.

    Attributes:
        most_pass: Two centres between which the distance falls to no less than this share of the lower one are one
            cell, too: it stays high along a long cell, and comes near 0 where two cells touch. 1 joins none.
    """

    most_pass: float = 1.0

    channels: ClassVar[tuple[str, ...]] = ("foreground", "distance")
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "sigmoid")
    stride: ClassVar[int] = 1
    is_sparse: ClassVar[bool] = False
    is_scored: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_most_pass(self.most_pass)

    def encode(self, labels: LabelImage) -> Float32Array:
        """Return the target (2, H, W) of labels (H, W): 1 in cells, and the distance in (0, 1] there."""
        labels = to_compact(check_labels(labels))
        from cell_pipelines.representations.flooding import column_distances, squared_distances

        squared = squared_distances(labels, column_distances(labels))
        largest = np.ones(int(labels.max(initial=0)) + 1, dtype=np.float32)
        np.maximum.at(largest, labels.ravel(), squared.ravel())
        return np.stack([labels > 0, np.sqrt(squared / largest[labels])]).astype(np.float32)

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return both maps of outputs (2, H, W) as uint16; where a tile lies does not matter."""
        check_outputs(outputs, self.channels)
        return {name: to_map(plane) for name, plane in zip(self.channels, outputs, strict=True)}

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return the one part there is, of this shape."""
        return join_maps(parts, shape, self.channels)

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells; each one's score is the mean foreground probability of its pixels.

        4-connected foreground is cut apart by a watershed on the predicted distance, from its peaks that lie at least
        the threshold's minimum distance apart. Cells with a high pass between them are joined again (`most_pass`), then
        holes that one cell encloses are filled.
        """
        return next(self.sweep(scores, [decoding]))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding; thresholds in ascending order are fastest."""
        rules = Rules(
            support=lambda maps, level: maps["foreground"] >= level,
            segment=lambda maps, level: _Foreground(maps, level, self.most_pass).cut,
            certainty="foreground",
        )
        return sweep_levels(check_maps(scores, self.channels), decodings, rules)

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return threshold 0.5 with sizes set from the average cell; see `sizes.decoding_for`."""
        return threshold_for(mean_area_px)


@dataclass(frozen=True, eq=False)
class _Foreground:
    """The foreground of one window at one level."""

    maps: Maps
    level: int
    most_pass: float

    @cached_property
    def components(self) -> LabelImage:
        mask = self.maps["foreground"] >= self.level
        return label_components(mask)

    @cached_property
    def elevation(self) -> Float32Array:
        return np.where(self.components > 0, self.maps["distance"], 0).astype(np.float32)

    def cut(self, min_distance_px: float) -> LabelImage:
        labels = self.components
        if min_distance_px:
            pieces = split_at_peaks(labels, self.elevation, min_distance_px)
            labels = join_shallow(pieces, self.elevation, self.most_pass)
        return fill_enclosed(labels)
