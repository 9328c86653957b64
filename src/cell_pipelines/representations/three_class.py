"""Cells as three classes: background, boundary, cell; the boundary keeps touching cells apart.

As in the study of CLL cells (2024): a border between cells, and an outline of each. Here both are taken from the
cells themselves, so decoding can give them back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.base import Activation, Instances, Scores, Window
from cell_pipelines.representations.components import label_components
from cell_pipelines.representations.filling import fill_enclosed
from cell_pipelines.representations.joining import check_most_pass, separate_by_shape
from cell_pipelines.representations.label_check import check_labels
from cell_pipelines.representations.levels import Rules, sweep_levels
from cell_pipelines.representations.maps import FULL, Maps, check_maps, check_outputs, join_maps, to_compact, to_map
from cell_pipelines.representations.neighbours import depth_from_others, depth_from_outside, grow
from cell_pipelines.representations.peaks import squared_distance
from cell_pipelines.representations.sizes import threshold_for
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import BoolMask, Float32Array, LabelImage

_MAPS = ("cell", "foreground")
_HALF = FULL // 2 + 1


@dataclass(frozen=True)
class ThreeClass:
    """Background, boundary, cell.

    A cell's boundary is what lies within `outline_px` steps of its outside, the image's border not counted. Where
    that would use it up, cut it in two, or take what growing back does not reach, only the pixels within so many
    steps of another cell are taken. So a cell that touches no other comes back exactly, its holes filled. Of touching
    ones a few pixels can change sides at corners, and those are lost or merged that are boundary all through on both
    sides, such as two neighbouring cells of 1 px.

    Attributes:
        outline_px: Width of the boundary in steps to one of four neighbours, 1 or more.
        most_pass: Below 1 cores that run together are separated by their shape: centres, which lie the threshold's
            minimum distance apart, between which the distance from the border falls to less than this share of that
            of the lower one. 1 separates none, as published.
    """

    outline_px: int = 1
    most_pass: float = 1.0

    channels: ClassVar[tuple[str, ...]] = ("background", "boundary", "cell")
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "softmax", "softmax")
    stride: ClassVar[int] = 1
    is_sparse: ClassVar[bool] = False
    is_scored: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.outline_px < 1 or self.outline_px != int(self.outline_px):
            raise ValueError(f"`outline_px` must be a whole number of 1 or more, got {self.outline_px}.")
        check_most_pass(self.most_pass)

    def encode(self, labels: LabelImage) -> Float32Array:
        """Return the target (3, H, W) of labels (H, W): one of the channels is 1 at each pixel."""
        labels = to_compact(check_labels(labels))
        inside, core = labels > 0, _cores(labels, int(self.outline_px))
        return np.stack([~inside, inside & ~core, core]).astype(np.float32)

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return the maps of cell and of anything but background, as uint16; where a tile lies does not matter."""
        check_outputs(outputs, self.channels)
        return {"cell": to_map(outputs[2]), "foreground": to_map(1 - outputs[0])}

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return the one part there is, of this shape."""
        return join_maps(parts, shape, _MAPS)

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells; each one's score is its pixels' mean probability of not being background.

        Pixels whose probability of cell reaches the threshold form 4-connected cores, which with `most_pass` a
        watershed on the distance from their border separates; these grow by `outline_px` rounds where background is
        less likely than not, and holes that one cell encloses are filled.
        """
        return next(self.sweep(scores, [decoding]))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding; thresholds in ascending order are fastest."""
        rules = Rules(
            support=_support,
            segment=lambda maps, level: _Cores(maps, level, self).cut,
            certainty="foreground",
        )
        return sweep_levels(check_maps(scores, _MAPS), decodings, rules)

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return `sizes.threshold_for`, with no distance of centres where `most_pass` is 1."""
        threshold = threshold_for(mean_area_px)
        return threshold if self.most_pass < 1 else replace(threshold, min_distance_px=0.0)


def _support(maps: Maps, level: int) -> BoolMask:
    return np.asarray((maps["cell"] >= level) | (maps["foreground"] >= _HALF))


@dataclass(frozen=True, eq=False)
class _Cores:
    """The cores of one window at one level."""

    maps: Maps
    level: int
    kind: ThreeClass

    @cached_property
    def components(self) -> LabelImage:
        return label_components(self.maps["cell"] >= self.level)

    @cached_property
    def distance(self) -> Float32Array:
        return squared_distance(self.components)

    def cut(self, min_distance_px: float) -> LabelImage:
        labels = self.components
        if min_distance_px and self.kind.most_pass < 1:
            labels = separate_by_shape(labels, self.distance, min_distance_px, self.kind.most_pass)
        return fill_enclosed(grow(labels, self.maps["foreground"] >= _HALF, int(self.kind.outline_px)))


def _cores(labels: LabelImage, steps: int) -> BoolMask:
    """Return which pixels are cell, not boundary."""
    count = int(labels.max(initial=0)) + 1
    full = (labels > 0) & (depth_from_outside(labels, steps) == 0)
    careful = ~_comes_back(labels, full, steps, count)
    depth = depth_from_others(labels, steps)
    core = np.where(careful[labels], (labels > 0) & (depth == 0), full)
    return np.asarray(core | _deepest_of_lost(labels, core, depth, count))


def _comes_back(labels: LabelImage, core: BoolMask, steps: int, count: int) -> npt.NDArray[np.bool_]:
    """Return for each cell whether its core is one piece from which all of it grows back."""
    components = label_components(core)
    owner = np.zeros(int(components.max(initial=0)) + 1, dtype=np.int32)
    owner[components] = labels
    single = np.bincount(owner[1:], minlength=count) == 1
    single[labels[grow(np.where(core, labels, 0), labels > 0, steps) != labels]] = False
    single[0] = True
    return np.asarray(single)


def _deepest_of_lost(labels: LabelImage, core: BoolMask, depth: npt.NDArray[np.int32], count: int) -> BoolMask:
    """Return of cells without a core those pixels that lie deepest."""
    lost = np.ones(count, dtype=np.bool_)
    lost[labels[core]] = False
    lost[0] = False
    deepest = np.zeros(count, dtype=np.int32)
    np.maximum.at(deepest, labels.ravel(), depth.ravel())
    return np.asarray(lost[labels] & (depth == deepest[labels]))
