"""Find objects whose pieces lie too far apart, or are too many, for one cell: whole classes drawn as one object."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, spatial

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals, split_at_columns
from cell_pipelines.annotations.geometry.rings import polygon_area, ring_depths
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

# Share of the largest piece from which another piece is no stray pixel, and pixels of a piece that may be a cell.
_SUBSTANTIAL, _SMALLEST = 0.1, 4
# From so many pieces on, or fewer that are alike in size, an object stands for several cells.
_MANY_PIECES, _MANY_ALIKE, _ALIKE = 5, 3, 0.5
# Pieces of one cell lie no further apart than this many radii of the largest.
_GAP_RADII = 1.0
# Which rings are holes is looked for among so many at most; of more, small ones do not count.
_MOST_RINGS = 200


def are_scattered(
    owner: IntArray, areas: npt.NDArray[Any], count: int, centroids: Callable[[BoolArray], FloatArray]
) -> BoolArray:
    """Say of each object (N,) whether its pieces are many or far apart.

    Args:
        owner: (P,) object of each piece.
        areas: (P,) pixels of each piece.
        count: Number N of objects.
        centroids: Gives the centroids (K, 2) of the K chosen pieces; asked for those alone that decide.
    """
    largest = np.zeros(count)
    np.maximum.at(largest, owner, areas)
    kept = areas >= _SUBSTANTIAL * largest[owner]
    pieces = np.bincount(owner[kept], minlength=count)
    alike = np.bincount(owner[areas >= _ALIKE * largest[owner]], minlength=count)
    scattered: BoolArray = (pieces >= _MANY_PIECES) | (alike >= _MANY_ALIKE)
    undecided = kept & (pieces > 1)[owner] & ~scattered[owner]
    if undecided.any():
        scattered |= _lie_apart(owner[undecided], areas[undecided], centroids(undecided), count)
    return scattered & (largest >= _SMALLEST)


def _lie_apart(owner: IntArray, areas: npt.NDArray[Any], centroids: FloatArray, count: int) -> BoolArray:
    """Say of each object (N,) whether a piece is further from all others than the largest one's radius."""
    apart = np.zeros(count, dtype=np.bool_)
    order = np.argsort(owner, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(owner[order])) + 1):
        radii = np.sqrt(areas[own] / np.pi)
        distances, nearest = spatial.cKDTree(centroids[own]).query(centroids[own], k=2)
        gaps = distances[:, 1] - radii - radii[nearest[:, 1]]
        apart[owner[own[0]]] = (gaps > _GAP_RADII * radii.max()).any()
    return apart


def find_scattered(annotations: AnnotationSet) -> IntArray:
    """Return the rows of the masks and polygons whose pieces are too many or too far apart for one cell, ascending.

    Ignored regions are passed over.
    """
    rings = Rings.from_arrow(annotations.objects["rings"])
    runs = RunLengths.from_arrow(annotations.objects["counts"])
    heights = annotations.images["height"].to_numpy()
    found = [_scattered_polygons(rings)]
    for image, rows in enumerate(annotations.rows_by_image()):
        own = rows[np.diff(runs.starts)[rows] > 0]
        if len(own):
            chosen = RunLengths.from_arrow(annotations.objects["counts"].take(own))
            found.append(own[_scattered_masks(chosen, int(heights[image]))])
    rows = np.sort(np.concatenate(found).astype(np.int64))
    return rows[~annotations.crowd[rows]]


def _scattered_polygons(rings: Rings) -> IntArray:
    found = [row for row in np.flatnonzero(np.diff(rings.object_starts) > 1).tolist() if _is_scattered(rings.of(row))]
    return np.array(found, dtype=np.int64)


def _is_scattered(rings: Sequence[FloatArray]) -> bool:
    """Say whether the rings (V, 2) of one polygon are pieces too many or too far apart; holes do not count."""
    pieces = [ring for ring in rings if len(ring) >= 3]
    if len(pieces) <= _MOST_RINGS and len(pieces) > 1:
        pieces = [ring for ring, depth in zip(pieces, ring_depths(pieces), strict=True) if depth % 2 == 0]
    if len(pieces) < 2:
        return False
    areas = np.array([polygon_area([ring]) for ring in pieces])
    centroids = np.array([ring.mean(axis=0) for ring in pieces])
    return bool(are_scattered(np.zeros(len(pieces), dtype=np.int64), areas, 1, lambda chosen: centroids[chosen])[0])


def _scattered_masks(runs: RunLengths, height: int) -> BoolArray:
    """Say of each mask (N,) of one image whether its pieces are too many or too far apart."""
    owner, start, stop = all_run_lengths_to_intervals(runs)
    number, column, top, bottom = split_at_columns(start, stop, height)
    owner = owner[number]
    piece = _connect(owner, column, top, bottom, height)
    lengths = (bottom - top).astype(np.float64)
    areas = np.bincount(piece, weights=lengths)
    owners = np.zeros(len(areas), dtype=np.int64)
    owners[piece] = owner

    def centroids(chosen: BoolArray) -> FloatArray:
        rows = np.bincount(piece, weights=lengths * (top + bottom) / 2) / areas
        columns = np.bincount(piece, weights=lengths * (column + 0.5)) / areas
        return np.stack([rows, columns], axis=1)[chosen]

    return are_scattered(owners, areas, len(runs), centroids)


def _connect(owner: IntArray, column: IntArray, top: IntArray, bottom: IntArray, height: int) -> IntArray:
    """Number the pieces that intervals (I,) of columns form, also across corners; objects stay apart.

    The intervals are in order: by object, column and row.
    """
    block = (owner * (int(column.max(initial=0)) + 2) + column) * (height + 2)
    following = block + height + 2
    # Intervals of a column do not overlap, so those that touch one of the column before follow each other.
    first = np.searchsorted(block + bottom, following + top, side="left")
    last = np.searchsorted(block + top, following + bottom, side="right")
    touching = np.maximum(last - first, 0)
    begin = np.repeat(np.arange(len(owner)), touching)
    step = np.arange(begin.size) - np.repeat(np.cumsum(touching) - touching, touching)
    graph = sparse.coo_matrix((np.ones(begin.size, np.bool_), (begin, first[begin] + step)), shape=(len(owner),) * 2)
    numbers: IntArray = sparse.csgraph.connected_components(graph, directed=False)[1].astype(np.int64)
    return numbers
