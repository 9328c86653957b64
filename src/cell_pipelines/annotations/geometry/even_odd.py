"""Rings as polygons of shapely by the even-odd rule, many at once."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.geometry.tangles import are_tangled

Geometries = npt.NDArray[np.object_]

# Beyond this no image has pixels, and products of coordinates are no longer exact.
FARTHEST = 1e9
_AREAS = (int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON))


def ring_owners(rings: Rings) -> npt.NDArray[np.int64]:
    """Return the object of each ring, shape (R,)."""
    return np.repeat(np.arange(len(rings)), np.diff(rings.object_starts))


def usable_rings(rings: Rings) -> npt.NDArray[np.bool_]:
    """Say which rings have at least 3 vertices, none at a place that no image has, shape (R,)."""
    lengths = np.diff(rings.ring_starts)
    usable: npt.NDArray[np.bool_] = lengths >= 3
    odd = ~(np.abs(rings.vertices) <= FARTHEST).all(axis=1)
    if odd.any():
        usable[np.repeat(np.arange(len(lengths)), lengths)[odd]] = False
    return usable


def to_linear_rings(rings: Rings) -> tuple[Geometries, npt.NDArray[np.int64]]:
    """Return the usable rings as shapely's linear rings, and the object of each, both of shape (U,)."""
    usable = usable_rings(rings)
    owners = ring_owners(rings)[usable]
    if not owners.size:
        return np.empty(0, dtype=object), owners
    lengths = np.diff(rings.ring_starts)
    vertices = rings.vertices[np.repeat(usable, lengths)]
    index = np.repeat(np.arange(len(owners)), lengths[usable])
    return np.asarray(shapely.linearrings(vertices, indices=index), dtype=object), owners


def to_raw_polygons(linear_rings: Geometries, owners: npt.NDArray[np.int64], count: int) -> Geometries:
    """Return one polygon an object, its first ring as shell and the others as holes, whether that is valid or not.

    Args:
        linear_rings: (U,) shapely's linear rings, those of one object together.
        owners: (U,) object of each ring, rising.
        count: Number of objects.

    Returns:
        (count,) polygons, None for an object without a ring.
    """
    polygons: Geometries = np.full(count, None, dtype=object)
    if owners.size:
        present, index = np.unique(owners, return_inverse=True)
        polygons[present] = shapely.polygons(linear_rings, indices=index)
    return polygons


def fill_even_odd(raw: Geometries) -> Geometries:
    """Return what the rings of each raw polygon fill by the even-odd rule, as valid polygons; None stays None.

    What meets itself too often to be computed (`are_tangled`) becomes None.

    A ring inside another is a hole, one inside a hole an island, one beside the others a piece; where rings cross,
    what lies in two of them is outside.
    """
    filled = raw.copy()
    present = shapely.get_type_id(raw) >= 0
    invalid = np.flatnonzero(present & ~shapely.is_valid(raw))
    tangled = are_tangled(raw[invalid])
    filled[invalid[tangled]] = None
    invalid = invalid[~tangled]
    if invalid.size:
        filled[invalid] = shapely.make_valid(raw[invalid], method="linework")
        # Edges that two rings share are one line to `make_valid`, so rings that meet are put together one by one.
        several = invalid[shapely.get_num_interior_rings(raw[invalid]) > 0]
        for row in several[_rings_meet(raw[several])].tolist():
            filled[row] = _join_rings(raw[row])
        _keep_areas(filled, invalid)
    return filled


def _rings_meet(raw: Geometries) -> npt.NDArray[np.bool_]:
    reasons = shapely.is_valid_reason(raw)
    return np.array([str(reason).startswith("Self-intersection") for reason in reasons], dtype=bool)


def _join_rings(polygon: Any) -> Any:
    rings: Sequence[Any] = [polygon.exterior, *polygon.interiors]
    pieces = [shapely.make_valid(shapely.polygons(ring), method="linework") for ring in rings]
    return reduce(shapely.symmetric_difference, map(_areas_of, pieces))


def _keep_areas(filled: Geometries, rows: npt.NDArray[np.int64]) -> None:
    """Replace, in place, shapes with left-over lines and points by their areas alone."""
    mixed = ~np.isin(shapely.get_type_id(filled[rows]), _AREAS)
    for row in rows[mixed].tolist():
        filled[row] = _areas_of(filled[row])


def _areas_of(shape: Any) -> Any:
    parts = [part for part in shapely.get_parts(shape) if shapely.get_type_id(part) in _AREAS]
    return shapely.union_all(parts) if parts else shapely.Polygon()
