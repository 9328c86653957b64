"""Rings as others write them brought to ours: closed rings opened, seams cut, overlapping pieces united."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.columns import Rings, starts_of
from cell_pipelines.annotations.geometry.even_odd import fill_even_odd, to_linear_rings, to_raw_polygons
from cell_pipelines.annotations.geometry.rings import split_ring

_RINGS_AT_ONCE = 64


def open_rings(rings: Rings) -> Rings:
    """Return the rings without a last vertex that repeats the first, and those joined by seams taken apart."""
    lengths = np.diff(rings.ring_starts)
    filled = lengths > 0
    first = np.zeros((len(lengths), 2))
    first[filled] = rings.vertices[rings.ring_starts[:-1][filled]]
    again = (rings.vertices == np.repeat(first, lengths, axis=0)).all(axis=1)
    again[rings.ring_starts[:-1][filled]] = False
    ring_of_vertex = np.repeat(np.arange(len(lengths)), lengths)
    times = np.bincount(ring_of_vertex[again], minlength=len(lengths))
    if not times.any():
        return rings
    last = rings.ring_starts[1:] - 1
    closed = np.zeros(len(lengths), np.bool_)
    closed[filled] = again[last[filled]]
    only_closed = closed & (times == 1)
    if (only_closed == (times > 0)).all():
        kept = np.ones(len(rings.vertices), np.bool_)
        kept[last[only_closed]] = False
        return replace(rings, vertices=rings.vertices[kept], ring_starts=starts_of(lengths - only_closed))
    return Rings.from_lists(
        [[part for ring in rings.of(row) for part in split_ring(ring)] for row in range(len(rings))]
    )


def unite_rings(rings: Rings) -> Rings:
    """Return rings of which several stand for their union, as in COCO, so that the even-odd rule fills the same.

    Each of the rings may be closed, and may hold several joined by seams.
    """
    several = np.flatnonzero(np.diff(rings.object_starts) > 1)
    doubtful = [row for row in several.tolist() if _boxes_overlap(rings.of(row))]
    if not doubtful:
        return open_rings(rings)
    united = {row: _union([split_ring(ring) for ring in rings.of(row)]) for row in doubtful}
    rest = open_rings(rings)
    return Rings.from_lists([united.get(row) or rest.of(row) for row in range(len(rings))])


def _boxes_overlap(rings: list[npt.NDArray[np.float64]]) -> bool:
    """Say whether the boxes of any two rings have an area in common."""
    from shapely import STRtree, box

    sides = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings if len(ring)])
    boxes = box(*sides.T)
    tree = STRtree(boxes)
    for first in range(0, len(boxes), _RINGS_AT_ONCE):
        one, other = tree.query(boxes[first : first + _RINGS_AT_ONCE])
        a, b = sides[one + first], sides[other]
        shared = ((np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])) > 0).all(axis=1)
        if (shared & (one + first != other)).any():
            return True
    return False


def _union(entries: list[list[npt.NDArray[np.float64]]]) -> list[npt.NDArray[np.float64]]:
    """Return the rings of the union of what each list of rings fills; the same rings where nothing overlaps."""
    from shapely import area, get_parts, union_all

    shapes = fill_even_odd(to_raw_polygons(*to_linear_rings(Rings.from_lists(entries)), len(entries)))
    if (shapes == None).any():  # noqa: E711, an array of objects; what can't be filled can't be united
        return [ring for entry in entries for ring in entry]
    whole = union_all(shapes)
    if np.isclose(area(whole), np.nansum(area(shapes)), rtol=1e-9, atol=1e-9):
        return [ring for entry in entries for ring in entry]
    parts = [part for part in get_parts(whole) if part.geom_type == "Polygon"]
    return [np.array(ring.coords, dtype=np.float64)[:-1] for part in parts for ring in (part.exterior, *part.interiors)]
