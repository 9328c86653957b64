"""Foreground as intervals: pixels counted column by column, ``[start, stop)`` being one piece without a gap.

Intervals are what run lengths, label images and drawn polygons have in common, for one object or a million.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.columns import RunLengths, starts_of
from cell_pipelines.typing import BoolMask, FloatArray, IntArray

Counts = npt.NDArray[np.uint32]

Runs = Sequence[int] | npt.NDArray[np.integer]

# Run lengths are stored in 32 bits.
_MOST_PIXELS = (1 << 32) - 1


def run_lengths_to_intervals(counts: Runs) -> tuple[IntArray, IntArray]:
    """Return start and stop of each piece of foreground, in order, none of them empty or touching another."""
    edges = np.cumsum(np.asarray(counts, dtype=np.int64))
    stop = edges[1::2]
    start = edges[: 2 * stop.size : 2]
    filled = stop > start
    return merge_intervals(start[filled], stop[filled])


def all_run_lengths_to_intervals(runs: RunLengths) -> tuple[IntArray, IntArray, IntArray]:
    """Return object, start and stop of the intervals of many objects, in order, none empty or touching another."""
    lengths = np.diff(runs.starts)
    owner = np.repeat(np.arange(len(runs)), lengths)
    edges = np.cumsum(runs.values, dtype=np.int64)
    before = np.append(0, edges)[runs.starts[:-1]]
    is_foreground = (np.arange(owner.size) - np.repeat(runs.starts[:-1], lengths)) % 2 == 1
    chosen = np.flatnonzero(is_foreground & (runs.values > 0))
    owner = owner[chosen]
    stop = edges[chosen] - before[owner]
    start = stop - runs.values[chosen]
    apart = (owner[1:] != owner[:-1]) | (start[1:] > stop[:-1])
    first, last = np.append(True, apart)[: owner.size], np.append(apart, True)[: owner.size]
    return owner[first], start[first], stop[last]


def merge_intervals(start: IntArray, stop: IntArray) -> tuple[IntArray, IntArray]:
    """Put intervals in order together wherever one begins before or where an earlier one ends."""
    if start.size < 2:
        return start, stop
    reach = np.maximum.accumulate(stop)
    apart = start[1:] > reach[:-1]
    if apart.all():
        return start, stop
    return start[np.append(True, apart)], reach[np.append(apart, True)]


def interval_rows(start: IntArray, stop: IntArray, height: int) -> tuple[IntArray, IntArray]:
    """Return the first row and the row after the last that each interval reaches; one over a border has all rows."""
    first, last = start % height, (stop - 1) % height + 1
    across = start // height != (stop - 1) // height
    return np.where(across, 0, first), np.where(across, height, last)


def interval_boxes(owner: IntArray, start: IntArray, stop: IntArray, n_objects: int, height: int) -> FloatArray:
    """Return the pixel edges around each object's intervals, shape (N, 4); four zeros where it has none.

    Args:
        owner: (I,) object of each interval, ascending.
        start: (I,) first pixel, ascending within an object.
        stop: (I,) pixel after the last.
        n_objects: Number of objects.
        height: Height of the image.
    """
    boxes = np.zeros((n_objects, 4))
    if owner.size:
        first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        last = np.append(first[1:], owner.size) - 1
        top, bottom = interval_rows(start, stop, height)
        sides = (
            start[first] // height,
            np.minimum.reduceat(top, first),
            (stop[last] - 1) // height + 1,
            np.maximum.reduceat(bottom, first),
        )
        boxes[owner[first]] = np.stack(sides, axis=1)
    return boxes


def split_at_columns(start: IntArray, stop: IntArray, height: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Cut intervals where a column ends and the next begins.

    Returns:
        Four arrays of one length: the interval's number, its column, its first row and the row after its last.
    """
    column, last = start // height, (stop - 1) // height
    across = last - column
    top, bottom = start - column * height, stop - last * height
    number = np.arange(start.size)
    if not across.any():
        return number, column, top, bottom
    number = np.repeat(number, across + 1)
    step = np.arange(number.size) - np.repeat(np.cumsum(across + 1) - across - 1, across + 1)
    top = np.where(step == 0, top[number], 0)
    bottom = np.where(step == across[number], bottom[number], height)
    return number, column[number] + step, top, bottom


def draw_intervals(start: IntArray, length: IntArray, shape: tuple[int, int]) -> BoolMask:
    """Draw intervals in order, apart from each other, in an array of `shape`, whose last axis is counted first."""
    edges = np.zeros(2 * start.size + 2, dtype=np.int64)
    edges[1:-1:2], edges[2:-1:2], edges[-1] = start, start + length, shape[0] * shape[1]
    inside = np.arange(edges.size - 1) % 2 == 1
    return np.repeat(inside, np.diff(edges)).reshape(shape)


def intervals_to_run_lengths(
    owner: IntArray, start: IntArray, stop: IntArray, n_objects: int, n_pixels: int
) -> RunLengths:
    """Return the run lengths of many objects at once.

    Args:
        owner: (I,) object of each interval, ascending.
        start: (I,) first pixel, ascending within an object.
        stop: (I,) pixel after the last; intervals of one object may touch, but do not overlap.
        n_objects: Number of objects; one without interval is all background.
        n_pixels: Height times width of the image.

    Raises:
        ValueError: The image has more pixels than run lengths can count.
    """
    if n_pixels > _MOST_PIXELS:
        raise ValueError(f"masks can be stored of images of up to {_MOST_PIXELS} pixels, got {n_pixels}.")
    apart = (owner[1:] != owner[:-1]) | (start[1:] != stop[:-1])
    first, last = np.append(True, apart)[: owner.size], np.append(apart, True)[: owner.size]
    owner, start, stop = owner[first], start[first], stop[last]
    runs = np.bincount(owner, minlength=n_objects)
    place = 2 * np.arange(owner.size) + 2 * owner + 1
    edges = np.zeros(2 * (owner.size + n_objects), dtype=np.int64)
    edges[place], edges[place + 1] = start, stop
    last_edge = np.cumsum(2 * runs + 2) - 1
    # Foreground up to the last pixel is not followed by a run of none.
    is_full = (runs > 0) & (edges[last_edge - 1] == n_pixels)
    edges[last_edge] = n_pixels
    kept = np.ones(edges.size, dtype=np.bool_)
    kept[last_edge], kept[last_edge[is_full] - 1] = False, False
    values = np.diff(edges, append=0)[kept].astype(np.uint32)
    return RunLengths(values, starts_of(2 * runs + 1 - is_full))
