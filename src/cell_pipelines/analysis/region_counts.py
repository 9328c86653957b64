"""Count cells within annotated regions of their images, and per area."""

import json
from collections.abc import Iterator, Sequence
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
from cell_pipelines.annotations.selection import iterate_images, select_images, select_objects
from cell_pipelines.typing import FloatArray, IntArray

#: Columns of the table that are not a class's.
RESERVED: Final = (
    "image", "region", "name", "class", "total", "area_px2", "area_um2", "cells_per_mm2", "cells_per_megapixel",
)  # fmt: skip
#: Square micrometres in a square millimetre.
UM2_PER_MM2: Final = 1e6
_PX_PER_MEGAPIXEL = 1e6
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
    tables, outside, several = list[pd.DataFrame](), 0, 0
    for name, own in regions_by_image(regions):
        if name not in places:
            continue
        one = select_images(cells, [places[name]])
        inside = which_inside(own, object_centroids(one)[:, ::-1])
        outside += int((~inside.any(axis=0)).sum())
        several += int((inside.sum(axis=0) > 1).sum())
        counts = {column: inside[:, one.category == kind].sum(axis=1) for kind, column in enumerate(columns)}
        tables.append(describe_regions(own, one).assign(**counts, total=sum(counts.values())))
    if not tables:
        raise ValueError("none of the counted images has a region")
    return RegionCounts(_with_densities(pd.concat(tables, ignore_index=True), columns), outside, several)


def regions_by_image(regions: AnnotationSet) -> Iterator[tuple[str, AnnotationSet]]:
    """Yield each image that has regions: its name, and a set of it alone with its regions alone."""
    for own in iterate_images(regions):
        kinds = [_attributes(text).get("objectType") for text in own.objects["attributes"].to_pylist()]
        encloses = own.objects["geometry"].to_numpy() != GEOMETRIES.index("point")
        kept = select_objects(own, np.array([kind not in _NO_REGIONS for kind in kinds], bool) & encloses)
        if kept.n_objects:
            yield own.names[0], kept


def which_inside(own: AnnotationSet, points: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which points lie in which regions of one image or on their edges.

    Args:
        own: Of `regions_by_image`.
        points: (P, 2) as x, y in pixels, centres of pixels at whole numbers.

    Returns:
        (R, P), true where the region holds the point.
    """
    return _inside(_regions(own), points)


def describe_regions(own: AnnotationSet, image: AnnotationSet) -> pd.DataFrame:
    """Return one row per region of one image.

    Args:
        own: Of `regions_by_image`.
        image: The image alone, whose size and size of pixels hold.

    Returns:
        `image`, `region`, `name`, `class`, `area_px2` and `area_um2`, as in `RegionCounts`.
    """
    facts, shapes = image.images.to_pylist()[0], _regions(own)
    frame = shapely.box(0, 0, facts["width"], facts["height"])
    areas = np.nan_to_num(shapely.area(shapely.intersection(shapes.outlines, frame)))
    areas[shapes.is_mask] = shapes.runs.areas()[shapes.is_mask]
    sides = facts["pixel_height_um"], facts["pixel_width_um"]
    names = [_attributes(text).get("name") or "" for text in own.objects["attributes"].to_pylist()]
    columns = {
        "image": pd.Series([facts["name"]] * own.n_objects, dtype="str"),
        "region": np.arange(1, own.n_objects + 1),
        "name": pd.Series([str(name) for name in names], dtype="str"),
        "class": pd.Series([own.categories[kind] for kind in own.category], dtype="str"),
        "area_px2": areas,
        "area_um2": areas * (np.prod(sides) if all(sides) else np.nan),
    }
    return pd.DataFrame(columns)


def per_area(counts: pd.Series, area: pd.Series, unit: float) -> pd.Series:
    """Return counts per `unit` of area, NaN where a region has no area or it is not known."""
    known = area.where(area > 0)
    return counts.where(area > 0) / (known / unit)


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


def _with_densities(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    table["cells_per_megapixel"] = per_area(table["total"], table["area_px2"], _PX_PER_MEGAPIXEL)
    table["cells_per_mm2"] = per_area(table["total"], table["area_um2"], UM2_PER_MM2)
    described = ["image", "region", "name", "class", *columns, "total"]
    return table[[*described, "area_px2", "cells_per_megapixel", "area_um2", "cells_per_mm2"]]
