"""Cells as foreground: one probability map; touching cells are cut apart by a watershed on the distance to its border.

As Morelli et al. (2021, doi:10.1038/s41598-021-01929-5) count neurons: threshold, holes filled, small components
dropped, a watershed whose setting follows from the average cell size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from cell_pipelines.representations.base import Activation, Instances, Scores, Window
from cell_pipelines.representations.components import label_components
from cell_pipelines.representations.filling import fill_holes
from cell_pipelines.representations.joining import check_most_pass, separate_by_shape
from cell_pipelines.representations.label_check import check_labels
from cell_pipelines.representations.levels import Rules, sweep_levels
from cell_pipelines.representations.maps import Maps, check_maps, check_outputs, join_maps, to_map
from cell_pipelines.representations.neighbours import near_another
from cell_pipelines.representations.peaks import squared_distance
from cell_pipelines.representations.sizes import threshold_for
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, LabelImage


@dataclass(frozen=True)
class Binary:
    """Foreground against background.

    Holes are filled, so a cell inside a ring of another is lost; touching cells are separated only by their shape.

    Attributes:
        most_pass: Two centres between which the distance from the border falls to no less than this share of that of
            the lower one are one cell: a bump or a bend, no waist. Centres may then lie half as far apart by default,
            and small cells that touch are separated, too. 1 joins none.
        shrink_px: Pixels within so many steps of another cell count as background in the target, which leaves a gap
            between touching cells. 0 keeps all; the gap is not filled again by decoding.
    """

    shrink_px: int = 0
    most_pass: float = 1.0

    channels: ClassVar[tuple[str, ...]] = ("cell",)
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid",)
    stride: ClassVar[int] = 1
    is_sparse: ClassVar[bool] = False
    is_scored: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.shrink_px < 0 or self.shrink_px != int(self.shrink_px):
            raise ValueError(f"`shrink_px` must be a whole number of 0 or more, got {self.shrink_px}.")
        check_most_pass(self.most_pass)

    def encode(self, labels: LabelImage) -> Float32Array:
        """Return the target (1, H, W) of labels (H, W): 1 in cells."""
        labels = check_labels(labels)
        inside = labels > 0
        if self.shrink_px:
            inside &= ~near_another(labels, int(self.shrink_px))
        return inside[None].astype(np.float32)

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return the probability map of outputs (1, H, W) as uint16; where a tile lies does not matter."""
        check_outputs(outputs, self.channels)
        return {"cell": to_map(outputs[0])}

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return the one part there is, of this shape."""
        return join_maps(parts, shape, self.channels)

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells; each one's score is the mean probability of its pixels, filled holes included."""
        return next(self.sweep(scores, [decoding]))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding; thresholds in ascending order are fastest."""
        rules = Rules(
            support=lambda maps, level: maps["cell"] >= level,
            segment=lambda maps, level: _Foreground(maps, level, self.most_pass).cut,
            certainty="cell",
        )
        return sweep_levels(check_maps(scores, self.channels), decodings, rules)

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return threshold 0.5 with sizes set from the average cell; see `sizes.decoding_for`."""
        threshold = threshold_for(mean_area_px)
        return threshold if self.most_pass == 1 else replace(threshold, min_distance_px=threshold.min_distance_px / 2)


@dataclass(frozen=True, eq=False)
class _Foreground:
    """The foreground of one window at one level."""

    maps: Maps
    level: int
    most_pass: float

    @cached_property
    def components(self) -> LabelImage:
        mask = fill_holes(self.maps["cell"] >= self.level)
        return label_components(mask)

    @cached_property
    def distance(self) -> Float32Array:
        return squared_distance(self.components)

    def cut(self, min_distance_px: float) -> LabelImage:
        if not min_distance_px:
            return self.components
        return separate_by_shape(self.components, self.distance, min_distance_px, self.most_pass)
