"""GeoJSON geometry in pixels: polygons with holes and pieces to rings and back, points, and what is refused."""

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cell_pipelines.annotations.geometry.rings import group_rings
from cell_pipelines.typing import FloatArray

AREAS = ("Polygon", "MultiPolygon")
POINTS = ("Point", "MultiPoint")


def area_rings(geometry: Mapping[str, Any]) -> list[FloatArray]:
    """Return the rings (V, 2) of a Polygon or MultiPolygon, open, in the order of the file.

    Raises:
        ValueError: The coordinates are not lists of rings of positions.
    """
    coordinates = _listed(geometry.get("coordinates"), "coordinates")
    polygons = [coordinates] if geometry.get("type") == "Polygon" else coordinates
    return [_ring(ring) for polygon in polygons for ring in _listed(polygon, "a polygon")]


def point_positions(geometry: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return x and y of a Point, or of each point of a MultiPoint.

    Raises:
        ValueError: The coordinates are not positions.
    """
    coordinates = _listed(geometry.get("coordinates"), "coordinates")
    positions = [coordinates] if geometry.get("type") == "Point" else coordinates
    return [(float(x), float(y)) for x, y in _positions(positions)]


def to_geometry(rings: Sequence[FloatArray]) -> tuple[dict[str, Any], list[int]]:
    """Return rings filled by the even-odd rule as a Polygon or MultiPolygon, and which ring stands at each place."""
    numbers = {id(ring): number for number, ring in enumerate(rings)}
    groups = [list(rings)] if len(rings) == 1 else _grouped(rings)
    polygons = [[_closed(ring) for ring in group] for group in groups]
    order = [numbers[id(ring)] for group in groups for ring in group]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}, order
    return {"type": "MultiPolygon", "coordinates": polygons}, order


def _listed(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"expected {what} as a list, got {reprlib.repr(value)}.")
    return value


def _ring(value: Any) -> FloatArray:
    positions = _positions(_listed(value, "a ring"))
    closed = len(positions) > 1 and positions[0] == positions[-1]
    return np.array(positions[:-1] if closed else positions, dtype=np.float64).reshape(-1, 2)


def _positions(value: list[Any]) -> list[list[Any]]:
    if not all(type(position) is list and len(position) >= 2 for position in value):
        raise ValueError(f"a position must be a list of x and y, got {reprlib.repr(value)}.")
    positions = [position[:2] for position in value]
    # A truth value is a number to Python; text would be turned into one by numpy.
    if not {type(number) for position in positions for number in position} <= {int, float}:
        raise ValueError(f"x and y must be numbers, got {reprlib.repr(positions)}.")
    return positions


def _closed(ring: FloatArray) -> list[list[float]]:
    positions: list[list[float]] = ring.tolist()
    return [*positions, positions[0]]


def _grouped(rings: Sequence[FloatArray]) -> list[list[FloatArray]]:
    try:
        return group_rings(rings)
    # Rings that cross each other may be holes in holes; then each stands for itself, so that none is lost.
    except KeyError:
        return [[ring] for ring in rings]
