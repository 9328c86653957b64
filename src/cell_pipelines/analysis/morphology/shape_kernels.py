"""Compiled loops over the columns of cells: moments, border crossings, convex hulls and the longest diameter."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Columns of what `sum_spans` returns.
AREA, ROWS, COLUMNS, ROWS_2, COLUMNS_2, ROWS_COLUMNS = range(6)
TOP, LEFT, BOTTOM, RIGHT = range(6, 10)
ALONG_COLUMNS, ALONG_ROWS, ALONG_FALLING, ALONG_RISING = range(10, 14)
N_SUMS = 14

_NOTHING = 1 << 40  # stands for a column without a pixel; beyond any image


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))


@_compiled
def sum_spans(starts: Any, column: Any, top: Any, bottom: Any) -> Any:
    """Return sums over the pixels of each cell, (N, `N_SUMS`) float64, zeros for a cell without a pixel.

    Rows and columns are summed as counted from the corner of the cell's box (`TOP`, `LEFT`; `BOTTOM` and `RIGHT` are
    the row and column after the last), so that the sums are whole numbers without rounding. The last four are how
    often lines of pixels enter the cell: down columns, along rows, and along the two diagonals.

    Args:
        starts: (N + 1,) first piece of each cell.
        column: (S,) column of each piece, ascending within a cell.
        top: (S,) first row of each piece, ascending within a column.
        bottom: (S,) row after the last.
    """
    sums = np.zeros((starts.size - 1, N_SUMS))
    for cell in range(starts.size - 1):
        first, last = starts[cell], starts[cell + 1]
        if first < last:
            _sum_cell(column[first:last], top[first:last], bottom[first:last], sums[cell])
    return sums


@_compiled
def _sum_cell(column: Any, top: Any, bottom: Any, sums: Any) -> None:
    left, upper = column[0], top.min()
    sums[TOP], sums[LEFT], sums[BOTTOM], sums[RIGHT] = upper, left, bottom.max(), column[-1] + 1
    for i in range(column.size):
        c, low, high = column[i] - left, top[i] - upper, bottom[i] - upper
        count = high - low
        rows = (low + high - 1) * count // 2
        sums[AREA] += count
        sums[ROWS] += rows
        sums[COLUMNS] += count * c
        sums[ROWS_2] += ((high - 1) * high * (2 * high - 1) - (low - 1) * low * (2 * low - 1)) // 6
        sums[COLUMNS_2] += count * c * c
        sums[ROWS_COLUMNS] += rows * c
    sums[ALONG_COLUMNS] = column.size
    sums[ALONG_ROWS] = sums[AREA] - _shared(column, top, bottom, 0)
    sums[ALONG_FALLING] = sums[AREA] - _shared(column, top, bottom, 1)
    sums[ALONG_RISING] = sums[AREA] - _shared(column, top, bottom, -1)


@_compiled
def _shared(column: Any, top: Any, bottom: Any, shift: int) -> int:
    """Count the pixels of a cell whose neighbour one column before, and `shift` rows above, belongs to it, too."""
    count, before = 0, 0
    for i in range(column.size):
        while column[before] < column[i] - 1 or (column[before] == column[i] - 1 and bottom[before] + shift <= top[i]):
            before += 1
        k = before
        while k < i and column[k] == column[i] - 1 and top[k] + shift < bottom[i]:
            count += min(bottom[k] + shift, bottom[i]) - max(top[k] + shift, top[i])
            k += 1
    return count


@_compiled
def measure_hulls(starts: Any, column: Any, top: Any, bottom: Any, pixel_height: float, pixel_width: float) -> Any:
    """Return the pixels in each cell's convex hull and its longest diameter, (N, 2) float64; zeros without a pixel.

    As in scikit-image, a pixel stands for the centres of its four sides, the hull has the pixels whose centres lie in
    it or on its edge, and the diameter is that between the centres of sides of the hull's pixels.

    Args:
        starts: (N + 1,) first piece of each cell.
        column: (S,) column of each piece, ascending within a cell.
        top: (S,) first row of each piece, ascending within a column.
        bottom: (S,) row after the last.
        pixel_height: Height of a pixel; its unit is that of the diameter.
        pixel_width: Width of a pixel.
    """
    widest = 1
    for cell in range(starts.size - 1):
        if starts[cell] < starts[cell + 1]:
            widest = max(widest, column[starts[cell + 1] - 1] - column[starts[cell]] + 1)
    # Per column the highest pixel, and the lowest with its sign turned, so that one function serves both.
    ends = np.empty((2, widest), dtype=np.int64)
    chains = np.empty((2, 2, 2 * widest + 1), dtype=np.int64)
    hulls = np.zeros((starts.size - 1, 2))
    for cell in range(starts.size - 1):
        first, last = starts[cell], starts[cell + 1]
        if first < last:
            wide = column[last - 1] - column[first] + 1
            ends[:, :wide] = _NOTHING
            for i in range(first, last):
                c = column[i] - column[first]
                ends[0, c] = min(ends[0, c], top[i])
                ends[1, c] = min(ends[1, c], 1 - bottom[i])
            hulls[cell, 0] = _fill_hull(ends[:, :wide], chains)
            hulls[cell, 1] = _longest_diameter(ends[:, :wide], chains, pixel_height, pixel_width)
    return hulls


@_compiled
def _fill_hull(ends: Any, chains: Any) -> int:
    """Count the pixels in the hull of what lies between `ends`, which become those of the hull."""
    for side in range(2):
        size = _chain(ends[side], chains[side])
        _follow(chains[side], size, ends[side])
    count = 0
    for c in range(ends.shape[1]):
        inside = 1 - ends[1, c] - ends[0, c]
        if inside > 0:
            count += inside
        else:
            ends[0, c] = _NOTHING
            ends[1, c] = _NOTHING
    return count


@_compiled
def _chain(ends: Any, chain: Any) -> int:
    """Write the convex chain on the small side of the pixels' side centres; return its length.

    Coordinates are doubled, so that centres are whole numbers: column, then row (Andrew 1979).
    """
    wide, size = ends.size, 0
    for x in range(-1, 2 * wide):
        if x % 2 == 0:
            y = 2 * ends[x // 2] - 1
        else:
            before = ends[(x - 1) // 2] if x > 0 else _NOTHING
            after = ends[(x + 1) // 2] if x < 2 * wide - 1 else _NOTHING
            y = 2 * min(before, after)
        if y >= _NOTHING:
            continue
        while size > 1:
            run, rise = chain[0, size - 1] - chain[0, size - 2], chain[1, size - 1] - chain[1, size - 2]
            if run * (y - chain[1, size - 2]) > rise * (x - chain[0, size - 2]):
                break
            size -= 1
        chain[0, size], chain[1, size] = x, y
        size += 1
    return size


@_compiled
def _follow(chain: Any, size: int, ends: Any) -> None:
    """Write for each column the first whole row at or beyond the chain."""
    k = 0
    for c in range(ends.size):
        while k < size - 2 and chain[0, k + 1] < 2 * c:
            k += 1
        run, rise = chain[0, k + 1] - chain[0, k], chain[1, k + 1] - chain[1, k]
        doubled = chain[1, k] * run + rise * (2 * c - chain[0, k])
        ends[c] = -(-doubled // (2 * run))


@_compiled
def _longest_diameter(ends: Any, chains: Any, pixel_height: float, pixel_width: float) -> float:
    """Return the greatest distance between the side centres of the pixels of a convex set."""
    above, below = _chain(ends[0], chains[0]), _chain(ends[1], chains[1])
    longest = 0.0
    for i in range(above + below):
        x, y = _corner(chains, above, i)
        for k in range(i):
            x_2, y_2 = _corner(chains, above, k)
            across, down = (x - x_2) * pixel_width / 2, (y - y_2) * pixel_height / 2
            longest = max(longest, across * across + down * down)
    return float(np.sqrt(longest))


@_compiled
def _corner(chains: Any, above: int, place: int) -> Any:
    if place < above:
        return chains[0, 0, place], chains[0, 1, place]
    return chains[1, 0, place - above], -chains[1, 1, place - above]
