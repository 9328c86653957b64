"""Outlines that cross themselves so often that what they fill is neither meant nor computed."""

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from cell_pipelines.typing import FloatArray, IntArray

#: Meetings of edges up to which what an outline fills is computed. Drawn by hand, an outline has a handful; 50 points
#: in no order have 400, and the time to fill them grows with the square of the meetings.
MOST_MEETINGS = 300
# With fewer vertices there can't be many more meetings.
_FEW_VERTICES = 26
_PAIRS_AT_ONCE = 1 << 20


def are_tangled(polygons: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Say which polygons meet themselves more than `MOST_MEETINGS` times, shape (N,).

    Edges that follow each other meet in their common vertex, which doesn't count; edges that lie upon each other do.
    Time and memory grow with the vertices, whatever their order.

    Args:
        polygons: (N,) shapely's polygons, valid or not.
    """
    tangled: npt.NDArray[np.bool_] = np.asarray(shapely.get_num_coordinates(polygons) > _FEW_VERTICES)
    for row in np.flatnonzero(tangled).tolist():
        tangled[row] = _is_tangled(polygons[row])
    return tangled


def _is_tangled(polygon: Any) -> bool:
    start, end, previous = _edges(polygon)
    count = len(start)
    boxes = shapely.box(*np.minimum(start, end).T, *np.maximum(start, end).T)
    tree = shapely.STRtree(boxes)
    meetings = looked_at = 0
    step = max(16, _PAIRS_AT_ONCE // max(count, 1))
    for first in range(0, count, step):
        one, other = tree.query(boxes[first : first + step])
        one = one + first
        apart = (one < other) & (previous[one] != other) & (previous[other] != one)
        one, other = one[apart], other[apart]
        looked_at += len(one)
        meetings += int(_meet(start[one], end[one], start[other], end[other]).sum())
        if meetings > MOST_MEETINGS or looked_at > _PAIRS_AT_ONCE + 100 * count:
            return True
    return False


def _edges(polygon: Any) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return both ends of each edge that has a length, and the number of the edge before it in its ring."""
    starts, ends, before = [], [], []
    number = 0
    for ring in (polygon.exterior, *polygon.interiors):
        vertices = shapely.get_coordinates(ring)
        long = (vertices[1:] != vertices[:-1]).any(axis=1)
        count = int(long.sum())
        starts.append(vertices[:-1][long])
        ends.append(vertices[1:][long])
        before.append(number + (np.arange(count) - 1) % max(count, 1))
        number += count
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(before).astype(np.int64)


def _meet(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> npt.NDArray[np.bool_]:
    """Say which segments from `a` to `b` have a point in common with those from `c` to `d`, whose boxes meet."""
    sides = [np.sign(_turn(a, b, c)) * np.sign(_turn(a, b, d)), np.sign(_turn(c, d, a)) * np.sign(_turn(c, d, b))]
    return np.asarray((sides[0] <= 0) & (sides[1] <= 0))


def _turn(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    turn: FloatArray = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return turn
