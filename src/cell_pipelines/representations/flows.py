"""Cells as flows (Cellpose): at every pixel whether it belongs to a cell, and the way to that cell's centre."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.base import Activation, Instances, Scores, Window
from cell_pipelines.representations.components import label_components, label_pieces
from cell_pipelines.representations.filling import fill_enclosed
from cell_pipelines.representations.label_check import check_labels
from cell_pipelines.representations.levels import Rules, sweep_levels
from cell_pipelines.representations.maps import Maps, check_maps, check_outputs, to_level, to_map
from cell_pipelines.representations.peaks import split_at_peaks
from cell_pipelines.representations.sizes import threshold_for
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, IntArray, LabelImage

# The stored value of a step of one pixel; no step is longer than 4.
_ONE: Final = 8192
# Ends that lie within this share of the least distance of centres are counted together.
_NEAR_SHARE: Final = 0.25


@dataclass(frozen=True)
class Flows:
    """Cellpose's representation (Stringer et al. 2021, doi:10.1038/s41592-020-01018-x), for networks trained here.

    Stored scores are `cell`, the probability as a 16-bit map, and `flows` (2, H, W) int16, rows and columns.

    Decoding follows the flows from each pixel as Cellpose does. Where pixels end is counted; peaks of these counts
    that are the threshold's minimum distance apart, or that no ends connect, are cells. Unlike Cellpose it drops
    neither cells of few pixels, nor those that fill most of an image, nor those whose flows differ from their shape's.
    """

    channels: ClassVar[tuple[str, ...]] = ("cell", "flow_row", "flow_column")
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "identity", "identity")
    stride: ClassVar[int] = 1
    is_sparse: ClassVar[bool] = False
    is_scored: ClassVar[bool] = True

    def encode(self, labels: LabelImage) -> Float32Array:
        """Return the target (3, H, W) of labels (H, W): 1 in cells, and unit vectors there, as rows and columns.

        Each piece of a cell has a centre of its own; Cellpose leaves pieces without flows that its heat does not reach.
        """
        from cell_pipelines.representations.flow_kernels import cell_flows

        pieces = label_pieces(check_labels(labels))
        return np.concatenate([(pieces > 0)[None], cell_flows(pieces, int(pieces.max(initial=0)))]).astype(np.float32)

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return probability and flows of outputs (3, H, W); where a tile lies does not matter."""
        if outputs.ndim != 3 or outputs.shape[0] != len(self.channels):
            raise ValueError(f"`outputs` must be (3, h, w) for {', '.join(self.channels)}, got {outputs.shape}.")
        if not np.isfinite(outputs).all():
            raise ValueError("`outputs` must be finite, got NaN or infinity; did the training diverge?")
        check_outputs(outputs[:1], self.channels[:1])
        steps = np.clip(np.rint(outputs[1:] * _ONE), -4 * _ONE + 1, 4 * _ONE - 1)
        return {"cell": to_map(outputs[0]), "flows": steps.astype(np.int16)}

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return the one part there is, of this shape.

        Raises:
            ValueError: There are several, or the one is of another shape.
        """
        if len(parts) != 1 or _check(parts[0])[0]["cell"].shape != tuple(shape):
            raise ValueError(f"`parts` must be one of the shape {tuple(shape)}, got {len(parts)}.")
        return parts[0]

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells; each one's score is the mean probability of its pixels."""
        return next(self.sweep(scores, [decoding]))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield what `decode` gives for each decoding; the flows are followed once for all."""
        from cell_pipelines.representations.flow_kernels import follow

        maps, flows = _check(scores)
        lowest = min((to_level(one.score) for one in decodings), default=0)
        starts = np.flatnonzero(maps["cell"] >= lowest)
        ends = np.zeros(maps["cell"].size, np.int64)
        ends[starts] = follow(flows.astype(np.float32) / _ONE, starts)
        rules = Rules(support=None, segment=lambda maps, level: _Ends(maps, level, ends).cut, certainty="cell")
        return sweep_levels(maps, decodings, rules)

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return threshold 0.5 with sizes set from the average cell; see `sizes.decoding_for`."""
        return threshold_for(mean_area_px)


def _check(scores: Scores) -> tuple[Maps, npt.NDArray[np.int16]]:
    """Return the map and the flows of stored scores."""
    maps = {"cell": check_maps(scores, ["cell"])["cell"]}
    flows = np.asarray(scores.get("flows"))
    if flows.dtype != np.int16 or flows.shape != (2, *maps["cell"].shape):
        raise ValueError(f"`scores` must hold `flows`, (2, H, W) int16 as `cell` is, got {flows.dtype} {flows.shape}.")
    return maps, flows


@dataclass(frozen=True, eq=False)
class _Ends:
    """Ends of the ways of those pixels of an image that reach a level."""

    maps: Maps
    level: int
    ends: IntArray

    @cached_property
    def counts(self) -> Float32Array:
        """Count the pixels that end at each place, (H, W)."""
        inside = self.maps["cell"] >= self.level
        counted = np.bincount(self.ends[inside.ravel()], minlength=inside.size)
        return counted.reshape(inside.shape).astype(np.float32)

    def cut(self, min_distance_px: float) -> LabelImage:
        side = 2 * int(min_distance_px * _NEAR_SHARE) + 1
        height = cv2.boxFilter(self.counts, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
        height = np.rint(height)
        sinks = split_at_peaks(label_components(height > 0), height, min_distance_px)
        inside = self.maps["cell"] >= self.level
        labels = np.where(inside, sinks.ravel()[self.ends].reshape(inside.shape), 0)
        return fill_enclosed(label_pieces(labels))
