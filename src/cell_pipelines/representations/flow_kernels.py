"""Compiled loops of flows: heat that spreads in cells, and pixels that follow a field of vectors."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])
# A pixel that came no farther than so many pixels in so many steps has arrived.
_STEPS, _ARRIVED_PX = 16, 0.25


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))


@_compiled
def cell_flows(labels: Any, count: int) -> Any:
    """Return unit vectors (2, H, W) float32 as rows and columns, up the gradient of the heat in each pixel's cell.

    As Cellpose computes it: each cell's pixel nearest to its centroid is heated by 1 before each step, in which every
    pixel takes the mean of the 9 around it, where what lies outside of the cell is 0; there are twice as many steps as
    the cell's height and width, each with a border of 1, have pixels.

    Args:
        labels: (H, W) cells from 1 to `count`, 0 for background, where vectors are 0.
        count: Highest label.
    """
    high, wide = labels.shape
    flows = np.zeros((2, high, wide), dtype=np.float32)
    boxes = np.empty((count + 1, 4), dtype=np.int64)
    boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3] = high, wide, 0, 0
    for row in range(high):
        for column in range(wide):
            box = boxes[labels[row, column]]
            box[0], box[1] = min(box[0], row), min(box[1], column)
            box[2], box[3] = max(box[2], row + 1), max(box[3], column + 1)
    for cell in range(1, count + 1):
        top, left, bottom, right = boxes[cell]
        if bottom > top:
            _add_flows(labels[top:bottom, left:right], cell, flows[:, top:bottom, left:right])
    return flows


@_compiled
def _add_flows(labels: Any, cell: int, flows: Any) -> None:
    """Write the flows of one cell, in its own box."""
    high, wide = labels.shape
    share = np.zeros((high + 2, wide + 2), dtype=np.float64)
    share[1:-1, 1:-1] = (labels == cell) / 9
    heat = _spread(share, _centre(share), 2 * (high + wide + 4))
    for row in range(high):
        for column in range(wide):
            if labels[row, column] == cell:
                down = heat[row + 2, column + 1] - heat[row, column + 1]
                along = heat[row + 1, column + 2] - heat[row + 1, column]
                length = np.hypot(down, along)
                if length > 0:
                    flows[0, row, column], flows[1, row, column] = down / length, along / length


@_compiled
def _centre(share: Any) -> Any:
    """Return row and column of the pixel above 0 that is nearest to the centroid of all those."""
    rows, columns = np.nonzero(share)
    nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    return rows[nearest], columns[nearest]


@_compiled
def _spread(share: Any, centre: Any, steps: int) -> Any:
    """Return the heat after so many steps; `share` is 1/9 in the cell and 0 outside, with a border of 1."""
    high, wide = share.shape
    heat, following = np.zeros(share.shape, dtype=np.float64), np.zeros(share.shape, dtype=np.float64)
    three = np.zeros(wide, dtype=np.float64)
    for _ in range(steps):
        heat[centre] += 1
        for row in range(1, high - 1):
            for column in range(wide):
                three[column] = heat[row - 1, column] + heat[row, column] + heat[row + 1, column]
            for column in range(1, wide - 1):
                around = three[column - 1] + three[column] + three[column + 1]
                following[row, column] = around * share[row, column]
        heat, following = following, heat
    return heat


@_compiled
def follow(flows: Any, starts: Any) -> Any:
    """Return where the flows lead from each start, (N,) int64 places in the flattened image.

    Every step goes by the vector at the current position, linear between pixels (Euler's method), until so many steps
    bring a pixel no farther, and at most as many as the image has rows and columns.

    Args:
        flows: (2, H, W) float32, pixels per step in rows and columns.
        starts: (N,) places in the flattened image.
    """
    _, high, wide = flows.shape
    ends = np.empty(starts.size, dtype=np.int64)
    for index in range(starts.size):
        row, column = np.float32(starts[index] // wide), np.float32(starts[index] % wide)
        for _ in range((high + wide) // _STEPS + 1):
            before = row, column
            for _ in range(_STEPS):
                r, c = int(row), int(column)
                below, beside = min(r + 1, high - 1), min(c + 1, wide - 1)
                y, x = row - r, column - c
                corners = (1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x
                down = (
                    corners[0] * flows[0, r, c] + corners[1] * flows[0, r, beside]
                    + corners[2] * flows[0, below, c] + corners[3] * flows[0, below, beside]
                )  # fmt: skip
                along = (
                    corners[0] * flows[1, r, c] + corners[1] * flows[1, r, beside]
                    + corners[2] * flows[1, below, c] + corners[3] * flows[1, below, beside]
                )  # fmt: skip
                row = min(max(row + down, np.float32(0)), np.float32(high - 1))
                column = min(max(column + along, np.float32(0)), np.float32(wide - 1))
            if abs(row - before[0]) + abs(column - before[1]) < _ARRIVED_PX:
                break
        ends[index] = int(row + np.float32(0.5)) * wide + int(column + np.float32(0.5))
    return ends
