"""Compiled loops over the distance to the border of each cell, in the window of a given reach around it.

A cell's border are its pixels with a 4-neighbour in the image that does not belong to it. Distances are exact: row by
row, the nearest border pixel of every pixel is read off the lower envelope of one parabola a column (Felzenszwalb and
Huttenlocher 2012). The envelope cuts a row into few stretches that share their border pixel, and on a stretch
exp(-d^2 / 2 sigma^2) is a constant times per piece of one bell curve, so no exponential is computed for a pixel. Going
away from a cell, border pixels that are nearest to nothing any more are forgotten; its convex hull is left.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from cell_pipelines.typing import IntArray

#: Stands for the squared distance to a cell that is out of reach.
OUT_OF_REACH = np.iinfo(np.int32).max
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))


@_compiled
def find_boxes(labels: npt.NDArray[np.int32], highest: int) -> IntArray:
    """Return first row, last row, first column and last column (highest + 1, 4) of each label; last row -1 if absent.

    Args:
        labels: (H, W), 0 for background.
        highest: Of the labels.
    """
    height, width = labels.shape
    boxes = np.empty((highest + 1, 4), np.int64)
    boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3] = height, -1, width, -1
    for r in range(height):
        c = 0
        while c < width:
            label, start = labels[r, c], c
            while c < width and labels[r, c] == label:
                c += 1
            if label > 0:
                boxes[label, 0] = min(boxes[label, 0], r)
                boxes[label, 1] = r
                boxes[label, 2] = min(boxes[label, 2], start)
                boxes[label, 3] = max(boxes[label, 3], c - 1)
    return boxes


@_compiled
def add_bells(labels: Any, boxes: IntArray, reach: int, bell: Any, total: Any) -> None:
    """Add exp(-d^2 / 2 sigma^2) to `total` for every cell, at least where its distance d is at most `reach`.

    Args:
        labels: (H, W) int32.
        boxes: As `find_boxes` returns them.
        reach: In pixels.
        bell: (2 * reach + 1,) float32, exp(-x^2 / 2 sigma^2) of x from -reach.
        total: (H, W) float32, changed.
    """
    nothing = np.empty((0, 0), np.int32)
    for label in range(1, boxes.shape[0]):
        if boxes[label, 1] >= 0:
            _visit(labels, label, boxes[label], reach, bell, total, nothing, nothing)


@_compiled
def rank_distances(labels: Any, boxes: IntArray, reach: int, first: Any, second: Any) -> None:
    """Lower `first` and `second`, (H, W) int32, to the squared distances to the nearest two cells within `reach`."""
    nothing = np.empty(0, np.float32)
    for label in range(1, boxes.shape[0]):
        if boxes[label, 1] >= 0:
            _visit(labels, label, boxes[label], reach, nothing, nothing.reshape(0, 1), first, second)


@_compiled
def _visit(labels: Any, label: int, box: IntArray, reach: int, bell: Any, total: Any, first: Any, second: Any) -> None:
    """Visit the rows within reach of one cell; an empty `bell` means to rank."""
    top, bottom = box[0], box[1]
    nearest = _nearest_rows(labels, label, box)
    columns, rows = np.empty(nearest.shape[1], np.int64), np.empty(nearest.shape[1], np.int64)
    ends, slopes = np.empty(nearest.shape[1], np.float64), np.empty(nearest.shape[1], np.float64)
    count, lowest, highest = 0, min(labels.shape[0] - 1, bottom + reach), max(0, top - reach)
    for i in range(lowest - highest + 1):
        # From the box's top down, and then from above it up.
        r, step = (top + i, 1) if top + i <= lowest else (lowest - i, -1)
        if top - 1 <= r <= bottom:
            count = _list(nearest[max(r - top, 0)], box[2], columns, rows)
            count = _envelope(columns, rows, count, r, ends, slopes)
        elif _shift(ends, slopes, count, step):
            count = _envelope(columns, rows, count, r, ends, slopes)
        if bell.size:
            _add(total[r], columns, rows, ends, count, r, reach, bell)
        else:
            _rank(first[r], second[r], columns, rows, ends, count, r, reach)


@_compiled
def _nearest_rows(labels: Any, label: int, box: IntArray) -> IntArray:
    """Return the row of the nearest border pixel in the column, or -1, for each pixel of a cell's box."""
    top, bottom, left, right = box[0], box[1], box[2], box[3]
    nearest = np.full((bottom - top + 1, right - left + 1), -1, np.int64)
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            if labels[r, c] == label and _is_border(labels, r, c):
                nearest[r - top, c - left] = r
            elif r > top:
                nearest[r - top, c - left] = nearest[r - top - 1, c - left]
    for r in range(bottom - 1, top - 1, -1):
        for c in range(right - left + 1):
            above, below = nearest[r - top, c], nearest[r - top + 1, c]
            if below >= 0 and (above < 0 or below - r < r - above):
                nearest[r - top, c] = below
    return nearest


@_compiled
def _is_border(labels: Any, r: int, c: int) -> bool:
    label = labels[r, c]
    if (r > 0 and labels[r - 1, c] != label) or (c > 0 and labels[r, c - 1] != label):
        return True
    last_row, last_column = labels.shape[0] - 1, labels.shape[1] - 1
    return bool((r < last_row and labels[r + 1, c] != label) or (c < last_column and labels[r, c + 1] != label))


@_compiled
def _list(line: IntArray, left: int, columns: IntArray, rows: IntArray) -> int:
    """Fill in the border pixels nearest to a row, one a column, and return how many there are."""
    count = 0
    for c in range(line.size):
        if line[c] >= 0:
            columns[count], rows[count] = c + left, line[c]
            count += 1
    return count


@_compiled
def _envelope(columns: IntArray, rows: IntArray, count: int, r: int, ends: Any, slopes: Any) -> int:
    """Keep the border pixels that are nearest to some point of row `r`, and return how many are left.

    Of those, pixel k is the nearest one from `ends[k - 1]` to `ends[k]`, and `slopes[k]` says by how much its end
    moves from a row to the next.
    """
    kept = 0
    for i in range(count):
        c, row = columns[i], rows[i]
        value = (r - row) ** 2 + c * c
        while kept > 0:
            other = columns[kept - 1]
            end = (value - (r - rows[kept - 1]) ** 2 - other * other) / (2.0 * (c - other))
            if kept == 1 or end > ends[kept - 2]:
                ends[kept - 1] = end
                slopes[kept - 1] = (rows[kept - 1] - row) / (c - other)
                break
            kept -= 1
        columns[kept], rows[kept] = c, row
        kept += 1
    return kept


@_compiled
def _shift(ends: Any, slopes: Any, count: int, step: int) -> bool:
    """Move the ends on by a row, and say whether two met, so that a border pixel can be forgotten."""
    met = False
    for k in range(count - 1):
        ends[k] += step * slopes[k]
        met |= k > 0 and ends[k] <= ends[k - 1]
    return met


@_compiled
def _add(line: Any, columns: IntArray, rows: IntArray, ends: Any, count: int, r: int, reach: int, bell: Any) -> None:
    stop = 0
    for k in range(count):
        start, stop = stop, line.size if k == count - 1 else _next_start(ends[k], stop, line.size)
        a, b = max(start, columns[k] - reach), min(stop, columns[k] + reach + 1)
        if abs(r - rows[k]) <= reach and a < b:
            factor = bell[reach + r - rows[k]]
            # Unsigned numbers spare the check for negative ones, and the loop becomes vector instructions.
            shift = np.uint64(reach - columns[k])
            for x in range(np.uint64(a), np.uint64(b)):
                line[x] += factor * bell[x + shift]


@_compiled
def _rank(
    first: Any, second: Any, columns: IntArray, rows: IntArray, ends: Any, count: int, r: int, reach: int
) -> None:
    stop = 0
    for k in range(count):
        start, stop = stop, first.size if k == count - 1 else _next_start(ends[k], stop, first.size)
        across = (r - rows[k]) ** 2
        for x in range(max(start, columns[k] - reach), min(stop, columns[k] + reach + 1)):
            square = across + (x - columns[k]) ** 2
            if square < first[x]:
                second[x], first[x] = first[x], square
            elif square < second[x]:
                second[x] = square


@_compiled
def _next_start(end: float, start: int, width: int) -> int:
    """Return the first pixel of a row of `width`, not before `start`, that lies beyond `end`."""
    return width if end >= width else max(start, math.floor(end) + 1)
