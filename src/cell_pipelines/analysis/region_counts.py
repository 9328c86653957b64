"""Count cells within annotated regions of their images, and per area."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from cell_pipelines.analysis.object_centroids import object_centroids
from cell_pipelines.annotations.class_columns import class_columns
from cell_pipelines.annotations.geometry.mask_runs import MaskRuns
from cell_pipelines.annotations.geometry.shapes import BOX, MASK, Shapes
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import select_images, select_objects
from cell_pipelines.typing import FloatArray, IntArray

#: Columns of the table that are not a class's.
RESERVED: Final = (
    "image", "region", "name", "class", "total", "area_px2", "area_um2", "cells_per_mm2", "cells_per_megapixel",
)  # fmt: skip
_UM2_PER_MM2, _PX_PER_MEGAPIXEL = 1e6, 1e6
# What QuPath writes beside its annotations.
_NO_REGIONS = ("detection", "cell", "tile")


@dataclass(frozen=True, eq=False)
class RegionCounts:
    """Cells within regions.

    Attributes:
        table: One row per region, in the order of the images: `image`; `region`, its number there from 1; `name`,
            empty where it has none; `class`; a column for each class of cells; `total`; `area_px2` within the image in
            square pixels; `cells_per_megapixel`; and where the image's pixel size is known `area_um2` and
            `cells_per_mm2`, else NaN.
        outside: Cells of images with regions that lie in none of them.
        several: Cells that lie in more than one region, and count in each.
    """

    table: pd.DataFrame
    outside: int
    several: int


def count_in_regions(cells: AnnotationSet, regions: AnnotationSet) -> RegionCounts:
    """Count the cells whose centroid lies in a region or on its edge.

    Args:
        cells: Found or annotated cells.
        regions: Boxes, polygons or masks of the same images; QuPath's detections, cells and tiles among them are no
            regions, nor are points.

    Raises:
        ValueError: No image has both an entry among the cells and a region.
    """
    columns = list(class_columns(cells.categories, RESERVED).values())
    places = {name: row for row, name in enumerate(cells.names)}
    rows, outside, several = list[dict[str, Any]](), 0, 0
    for number, name in enumerate(regions.names):
        own = _regions_of(select_images(regions, [number]))
        if name not in places or not own.n_objects:
            continue
        one = select_images(cells, [places[name]])
        shapes = _regions(own)
        inside = _inside(shapes, object_centroids(one)[:, ::-1])
        outside += int((~inside.any(axis=0)).sum())
        several += int((inside.sum(axis=0) > 1).sum())
        counts = np.stack([inside[:, one.category == kind].sum(axis=1) for kind in range(len(columns))], axis=1)
        rows += _describe(one, own, shapes, dict(zip(columns, counts.T, strict=True)))
    if not rows:
        raise ValueError("none of the counted images has a region")
    return RegionCounts(_to_table(rows, columns), outside, several)


def _regions_of(objects: AnnotationSet) -> AnnotationSet:
    """Return the objects of one image that enclose an area of it."""
    kinds = [_attributes(text).get("objectType") for text in objects.objects["attributes"].to_pylist()]
    codes = objects.objects["geometry"].to_numpy()
    return select_objects(objects, np.array([kind not in _NO_REGIONS for kind in kinds], bool) & (
        codes != GEOMETRIES.index("point")))  # fmt: skip


def _attributes(text: str | None) -> dict[str, Any]:
    return dict(json.loads(text)) if text else {}


@dataclass(frozen=True, eq=False)
class _Regions:
    """Regions of one image: shapely outlines, None for masks, which have runs."""

    outlines: npt.NDArray[np.object_]
    runs: MaskRuns
    is_mask: npt.NDArray[np.bool_]
    height: int


def _regions(own: AnnotationSet) -> _Regions:
    shapes = Shapes.from_objects(own.objects, np.full(own.n_objects, own.images["height"][0].as_py()))
    outlines = shapes.polygons.copy()
    is_box = shapes.geometry == BOX
    outlines[is_box] = shapely.box(*shapes.boxes[is_box].T)
    return _Regions(outlines, shapes.runs, shapes.geometry == MASK, own.images["height"][0].as_py())


def _inside(regions: _Regions, points: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which points (P, 2) as x, y lie in which regions, (R, P)."""
    inside = np.zeros((len(regions.outlines), len(points)), bool)
    # A centroid is given from the centre of the first pixel, outlines from its edge.
    edges = points + 0.5
    for row in range(len(inside)):
        if regions.is_mask[row]:
            columns, lines = np.floor(edges).astype(np.int64).T
            inside[row] = _in_mask(regions.runs, row, columns * regions.height + lines)
        elif regions.outlines[row] is not None:
            shapely.prepare(regions.outlines[row])
            inside[row] = shapely.intersects_xy(regions.outlines[row], *edges.T)
    return inside


def _in_mask(runs: MaskRuns, row: int, pixels: IntArray) -> npt.NDArray[np.bool_]:
    begins, ends = (
        part[runs.starts[row] : runs.starts[row + 1]] - row * runs.stretch for part in (runs.begins, runs.ends)
    )
    if not len(begins):
        return np.zeros(len(pixels), bool)
    run = np.searchsorted(begins, pixels, side="right") - 1
    return np.asarray((run >= 0) & (pixels < ends[run]))


def _describe(
    cells: AnnotationSet, own: AnnotationSet, shapes: _Regions, counts: dict[str, IntArray]
) -> list[dict[str, Any]]:
    image = cells.images.to_pylist()[0]
    frame = shapely.box(0, 0, image["width"], image["height"])
    areas = np.nan_to_num(shapely.area(shapely.intersection(shapes.outlines, frame)))
    areas[shapes.is_mask] = shapes.runs.areas()[shapes.is_mask]
    sides = image["pixel_height_um"], image["pixel_width_um"]
    square_um = np.prod(sides) if all(sides) else np.nan
    names = [_attributes(text).get("name") or "" for text in own.objects["attributes"].to_pylist()]
    return [
        {
            "image": image["name"], "region": place + 1, "name": str(names[place]),
            "class": own.categories[own.category[place]],
            **{column: int(numbers[place]) for column, numbers in counts.items()},
            "total": int(sum(numbers[place] for numbers in counts.values())),
            "area_px2": float(areas[place]), "area_um2": float(areas[place] * square_um),
        }
        for place in range(own.n_objects)
    ]  # fmt: skip


def _to_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    areas = {
        "cells_per_megapixel": table["area_px2"] / _PX_PER_MEGAPIXEL,
        "cells_per_mm2": table["area_um2"] / _UM2_PER_MM2,
    }
    for column, area in areas.items():
        table[column] = table["total"].where(area > 0) / area.where(area > 0)
    described = ["image", "region", "name", "class", *columns, "total"]
    return table[[*described, "area_px2", "cells_per_megapixel", "area_um2", "cells_per_mm2"]]
