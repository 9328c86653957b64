"""Cells that are edited as plain values, and back."""

from collections.abc import Mapping
from typing import Any

import shapely

from cell_pipelines.analysis.annotating.editing import EditedCell


def to_shape(rings: list[dict[str, list[float]]]) -> shapely.Polygon:
    """Return a polygon of a cell's rings, the largest of its pieces with its holes."""
    polygons = [shapely.Polygon(zip(ring["x"], ring["y"], strict=True)) for ring in rings if len(ring["x"]) >= 3]
    whole = shapely.Polygon()
    for polygon in polygons:  # an even number of rings around a point means a hole
        whole = whole.symmetric_difference(shapely.make_valid(polygon))
    parts = [part for part in shapely.get_parts(whole).tolist() if isinstance(part, shapely.Polygon)]
    # Each outline begins at the same place however often it is written and read.
    return max(parts, key=lambda part: part.area, default=shapely.Polygon()).normalize()


def rings_of(shape: shapely.Polygon) -> list[Any]:
    """Return the outline and the holes of a cell, each (N, 2) as x and y in pixel edges, not closed."""
    return [shapely.get_coordinates(ring)[:-1] for ring in (shape.exterior, *shape.interiors)]


def to_plain(cells: Mapping[int, EditedCell]) -> list[dict[str, Any]]:
    """Return cells as a page and a file have them: id, class, area in px², rings."""
    return [
        {"id": number, "class": cell.category, "area": round(cell.shape.area, 1),
         "rings": [{"x": ring[:, 0].tolist(), "y": ring[:, 1].tolist()} for ring in rings_of(cell.shape)]}
        for number, cell in cells.items()
    ]  # fmt: skip


def from_plain(cells: list[dict[str, Any]]) -> dict[int, EditedCell]:
    """Return what `to_plain` gave as cells by their numbers."""
    return {cell["id"]: EditedCell(cell["class"], to_shape(cell["rings"])) for cell in cells}
