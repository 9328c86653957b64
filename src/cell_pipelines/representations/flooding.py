"""Compiled loops over pixels: distances, peaks that are the highest around, floods from them, sums over cells."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))


@_compiled
def column_distances(labels: Any) -> Any:
    """Return each cell's pixels' distance (H, W) int32 to where it ends in their column; H + W where it does not.

    Args:
        labels: (H, W) cells, 0 or False for background, where the distance is 0.
    """
    high, wide = labels.shape
    distance = np.zeros((high, wide), dtype=np.int32)
    for row in range(high):
        for column in range(wide):
            if labels[row, column]:
                distance[row, column] = high + wide
                if row > 0:
                    same = labels[row - 1, column] == labels[row, column]
                    distance[row, column] = min(distance[row - 1, column] + 1 if same else 1, high + wide)
    for row in range(high - 2, -1, -1):
        for column in range(wide):
            same = labels[row + 1, column] == labels[row, column]
            distance[row, column] = min(distance[row, column], distance[row + 1, column] + 1 if same else 1)
    return distance


@_compiled
def squared_distances(labels: Any, columns: Any) -> Any:
    """Return each cell's pixels' squared distance (H, W) float32 to its outside, from the distances in columns.

    Along a row, nothing farther than the nearest known so far can be nearer, nor what lies behind another cell; so
    cells cost little, and fields of foreground much.
    """
    high, wide = columns.shape
    squared = np.zeros((high, wide), dtype=np.float32)
    for row in range(high):
        own, beside = labels[row], columns[row]
        for column in range(wide):
            if beside[column] > 1:
                best = beside[column] ** 2
                for side in (-1, 1):
                    other, step = column + side, 1
                    while step * step < best and 0 <= other < wide:
                        gap = beside[other] if own[other] == own[column] else 0
                        best = min(best, step * step + gap * gap)
                        other += side
                        step += 1
                squared[row, column] = best
            else:
                squared[row, column] = beside[column]
    return squared


@_compiled
def choose_peaks(summits: Any, labels: Any, elevation: Any, reach: int) -> Any:
    """Return which summits are peaks: the highest of their cell within `reach`, none taken before nearer than that.

    Args:
        summits: (N,) places in the flattened image, sorted by cell, then from the highest down, then by place.
        labels: (H, W) cells.
        elevation: (H, W) heights.
        reach: In rows and columns, 1 or more.
    """
    taken = np.zeros(summits.size, dtype=np.bool_)
    start, cell = 0, -1
    for i in range(summits.size):
        row, column = divmod(summits[i], labels.shape[1])
        if labels[row, column] != cell:
            start, cell = i, labels[row, column]
        free = True
        for k in range(start, i):
            if taken[k]:
                rows, columns = divmod(summits[k], labels.shape[1])
                if max(abs(rows - row), abs(columns - column)) < reach:
                    free = False
                    break
        taken[i] = free and is_highest(row, column, labels, elevation, reach)
    return taken


@_compiled
def is_highest(row: int, column: int, labels: Any, elevation: Any, reach: int) -> bool:
    """Return whether no pixel of the same cell within `reach` rows and columns is higher."""
    height, cell = elevation[row, column], labels[row, column]
    for r in range(max(row - reach, 0), min(row + reach + 1, labels.shape[0])):
        for c in range(max(column - reach, 0), min(column + reach + 1, labels.shape[1])):
            if elevation[r, c] > height and labels[r, c] == cell:
                return False
    return True


@_compiled
def flood(result: Any, peaks: Any, elevation: Any, wide: int) -> None:
    """Give every pixel of `result` that is negative to the peak whose flood, from the highest level down, comes first.

    The order is a watershed's: by height, and at one height first come, first served (Soille and Ansoult 1990), as in
    scikit-image. Whole numbers as heights make the queue one list per height.

    Args:
        result: (H * W,) changed; the peaks have their numbers. Floods go from pixel to negative pixel.
        peaks: (N,) places; of those as high as each other the first floods first.
        elevation: (H * W,) whole numbers from 0.
        wide: W.
    """
    level = 0
    for place in peaks:
        level = max(level, int(elevation[place]))
    first = np.full(level + 1, -1, dtype=np.int32)
    last = np.full(level + 1, -1, dtype=np.int32)
    following = np.empty(result.size, dtype=np.int32)
    for place in peaks:
        _append(np.int32(place), int(elevation[place]), first, last, following)
    while level >= 0:
        place = first[level]
        if place < 0:
            level -= 1
            continue
        first[level] = following[place]
        column = np.uint32(place) % np.uint32(wide)
        for side in range(4):
            other = place + (-wide, -1, 1, wide)[side]
            if (side == 1 and column == 0) or (side == 2 and column + 1 == wide) or not 0 <= other < result.size:
                continue
            if result[other] < 0:
                result[other] = result[place]
                # A flood never rises again: a pixel behind a pass is reached at the height of the pass.
                _append(np.int32(other), min(int(elevation[other]), level), first, last, following)


@_compiled
def _append(place: Any, level: int, first: Any, last: Any, following: Any) -> None:
    following[place] = -1
    if first[level] < 0:
        first[level] = place
    else:
        following[last[level]] = place
    last[level] = place


@_compiled
def measure(labels: Any, values: Any, source_index: Any, areas: Any, sums: Any, first: Any) -> None:
    """Add each cell's pixels and values to `areas` and `sums`; write its first pixel's source index to `first`.

    Args:
        labels: (H, W), 0 for background, below the length of the three lists.
        values: (H, W) whole numbers.
        source_index: (H, W) places in another image.
        areas: Changed.
        sums: Changed.
        first: Changed where it is negative.
    """
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            cell = labels[row, column]
            if cell > 0:
                areas[cell] += 1
                sums[cell] += values[row, column]
                if first[cell] < 0:
                    first[cell] = source_index[row, column]


@_compiled
def paint(labels: Any, source_index: Any, numbers: Any, painted: Any) -> None:
    """Write each pixel's new number, unless 0, to its source index in `painted`, a flat image."""
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            number = numbers[labels[row, column]]
            if number > 0:
                painted[source_index[row, column]] = number
