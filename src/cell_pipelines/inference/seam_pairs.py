"""Cells that are larger than the overlap of tiles: the pieces that two tiles show of one are put together."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.intervals import (
    all_run_lengths_to_intervals,
    intervals_to_run_lengths,
    merge_intervals,
)
from cell_pipelines.inference.detections import Detections
from cell_pipelines.typing import BoolArray, IntArray

#: Which sides of boxes the borders of their tile may cut: left, top, right, bottom; (N, 4).


# Pieces of one cell lie beside each other over at least this share of the shorter one, and are found about as surely.
_LEAST_SHARED = 0.5
_LEAST_SCORE_RATIO = 0.3


def merge_cut(
    parts: Sequence[Detections], cuts: Sequence[BoolArray], columns: int, size: tuple[int, int], *, agnostic: bool
) -> Detections:
    """Return the detections of all tiles, pieces of one cell as one.

    Two detections of neighbouring tiles are pieces of one cell when each reaches the border of its own tile that lies
    in the other, so that both fill the overlap from border to border, and they lie beside each other along the border.

    Args:
        parts: Detections of each tile in pixels of the image, row by row of tiles.
        cuts: For each tile which sides of its boxes its inner borders cut.
        columns: Tiles in a row of them.
        size: Height and width of the image.
        agnostic: Whether pieces of different categories may be of one cell.

    Returns:
        The detections in any order. A cell of several pieces has the box around them, the union of their masks, and
        the score and the category of the surest.
    """
    whole, sides = Detections.concatenate(parts), np.concatenate(cuts)
    tile = np.repeat(np.arange(len(parts)), [len(part.scores) for part in parts])
    kinds = np.zeros_like(whole.categories) if agnostic else whole.categories
    right = _pairs(whole, kinds, tile, sides, columns, axis=0)
    below = _pairs(whole, kinds, tile, sides, columns, axis=1)
    first, second = np.concatenate([right, below]).T
    return _united(whole, first, second, size) if len(first) else whole


def _pairs(whole: Detections, kinds: IntArray, tile: IntArray, cuts: BoolArray, columns: int, *, axis: int) -> IntArray:
    """Return rows of pieces (P, 2) on either side of seams across x (`axis` 0) or y (1), the better partners first."""
    before, after = np.flatnonzero(cuts[:, axis + 2]), np.flatnonzero(cuts[:, axis])
    found = [np.zeros((0, 2), np.int64)]
    for number in np.unique(tile[before]).tolist():
        other = number + (columns if axis else 1)
        if axis == 0 and other % columns == 0:
            continue
        one, two = before[tile[before] == number], after[tile[after] == other]
        if len(two):
            found.append(_partners(whole, kinds, one, two, 1 - axis))
    return np.concatenate(found)


def _partners(whole: Detections, kinds: IntArray, one: IntArray, two: IntArray, along: int) -> IntArray:
    """Return each piece's best partner across the seam, where both choose each other."""
    a, b = whole.boxes[one][:, None], whole.boxes[two][None]
    shared = np.minimum(a[..., along + 2], b[..., along + 2]) - np.maximum(a[..., along], b[..., along])
    shorter = np.minimum(a[..., along + 2] - a[..., along], b[..., along + 2] - b[..., along])
    longer = np.maximum(a[..., along + 2] - a[..., along], b[..., along + 2] - b[..., along])
    scores = whole.scores[one][:, None], whole.scores[two][None]
    alike = np.minimum(*scores) >= _LEAST_SCORE_RATIO * np.maximum(*scores)
    alike &= kinds[one][:, None] == kinds[two][None]
    fit = np.where(alike & (shared >= _LEAST_SHARED * shorter), shared / np.maximum(longer, 1e-6), 0.0)
    best = fit.argmax(axis=1)
    rows = np.arange(len(one))
    chosen = (fit[rows, best] > 0) & (fit.argmax(axis=0)[best] == rows)
    pairs: IntArray = np.stack([one[rows[chosen]], two[best[chosen]]], axis=1)
    return pairs


def _united(whole: Detections, first: IntArray, second: IntArray, size: tuple[int, int]) -> Detections:
    n = len(whole.scores)
    count, group = connected_components(coo_array((np.ones(len(first)), (first, second)), shape=(n, n)), directed=False)
    # The surest piece of each cell comes first among its own.
    order = np.lexsort((-whole.scores, group))
    surest = order[np.searchsorted(group[order], np.arange(count))]
    boxes = np.empty((count, 4), np.float32)
    starts = np.searchsorted(group[order], np.arange(count))
    boxes[:, :2] = np.minimum.reduceat(whole.boxes[order, :2], starts)
    boxes[:, 2:] = np.maximum.reduceat(whole.boxes[order, 2:], starts)
    masks = None if whole.masks is None else _united_masks(whole.masks, group.astype(np.int64), count, size)
    return Detections(boxes, whole.scores[surest], whole.categories[surest], masks)


def _united_masks(masks: RunLengths, group: IntArray, count: int, size: tuple[int, int]) -> RunLengths:
    owner, start, stop = all_run_lengths_to_intervals(masks)
    order = np.lexsort((start, group[owner]))
    pixels = size[0] * size[1]
    # Each cell has pixels of its own on one long line, with a gap between cells, so that none runs into the next.
    place = group[owner][order] * (pixels + 1)
    start, stop = merge_intervals(start[order] + place, stop[order] + place)
    owner = start // (pixels + 1)
    return intervals_to_run_lengths(owner, start - owner * (pixels + 1), stop - owner * (pixels + 1), count, pixels)
