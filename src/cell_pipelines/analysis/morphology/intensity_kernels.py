"""Compiled loops over the pixels of cells: which are taken, how bright a cell is, and what lies around it."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))


@_compiled
def cover(first: Any, last: Any, size: int) -> Any:
    """Return which of `size` pixels lie in a piece [first, last), (size,) bool; pixels are counted column by column."""
    taken = np.zeros(size, dtype=np.bool_)
    for piece in range(first.size):
        taken[first[piece] : last[piece]] = True
    return taken


@_compiled
def measure_pixels(starts: Any, first: Any, last: Any, values: Any) -> Any:
    """Return mean, median, standard deviation, least, greatest and sum of each cell's values, (N, 6) float64.

    NaN for a cell without a pixel, and where a value is NaN.

    Args:
        starts: (N + 1,) first piece of each cell.
        first: (S,) first pixel of each piece.
        last: (S,) pixel after the last.
        values: (P,) of all pixels, column by column.
    """
    measured = np.full((starts.size - 1, 6), np.nan)
    for cell in range(starts.size - 1):
        count = 0
        for piece in range(starts[cell], starts[cell + 1]):
            count += last[piece] - first[piece]
        if count == 0:
            continue
        own = np.empty(count, dtype=np.float64)
        place = 0
        for piece in range(starts[cell], starts[cell + 1]):
            for pixel in range(first[piece], last[piece]):
                own[place] = values[pixel]
                place += 1
        total = own.sum()
        if np.isnan(total):
            continue
        mean = total / count
        spread = 0.0
        for value in own:
            spread += (value - mean) ** 2
        measured[cell, 0], measured[cell, 1], measured[cell, 2] = mean, np.median(own), np.sqrt(spread / count)
        measured[cell, 3], measured[cell, 4], measured[cell, 5] = own.min(), own.max(), total
    return measured


@_compiled
def measure_rings(starts: Any, columns: Any, tops: Any, bottoms: Any, values: Any, taken: Any, reach: int) -> Any:
    """Return the median around each cell, (N,) float64; NaN where no free pixel lies near.

    Args:
        starts: (N + 1,) first piece of each cell.
        columns: (S,) column of each piece.
        tops: (S,) first row.
        bottoms: (S,) row after the last.
        values: (W, H) image, columns first.
        taken: (W, H) bool, pixels of any cell.
        reach: Greatest distance, in pixels, of a pixel's centre from that of the nearest pixel of the cell.
    """
    wide, high = values.shape
    half = np.empty(2 * reach + 1, dtype=np.int64)
    for step in range(-reach, reach + 1):
        half[step + reach] = int(np.sqrt(float(reach * reach - step * step)))
    seen = np.zeros((wide, high), dtype=np.int32)
    around = np.empty(1024, dtype=np.float64)
    medians = np.full(starts.size - 1, np.nan)
    for cell in range(starts.size - 1):
        count = 0
        for piece in range(starts[cell], starts[cell + 1]):
            for step in range(-reach, reach + 1):
                c = columns[piece] + step
                if not 0 <= c < wide:
                    continue
                for r in range(
                    max(tops[piece] - half[step + reach], 0), min(bottoms[piece] + half[step + reach], high)
                ):
                    if taken[c, r] or seen[c, r] == cell + 1:
                        continue
                    seen[c, r] = cell + 1
                    if count == around.size:
                        grown = np.empty(2 * count, dtype=np.float64)
                        grown[:count] = around
                        around = grown
                    around[count] = values[c, r]
                    count += 1
        if count:
            medians[cell] = np.median(around[:count])
    return medians
