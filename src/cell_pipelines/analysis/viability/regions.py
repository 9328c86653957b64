"""Viability within annotated regions of images.

With two classes a region counts cells of its own image. With two channels the images of a field show the same view, so
a region of either counts cells of the whole field: nuclei where they lie in the image of nuclei, dead cells without a
nucleus where they lie in that of dead cells.
"""

from typing import Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.region_counts import (
    UM2_PER_MM2,
    describe_regions,
    per_area,
    regions_by_image,
    which_inside,
)
from cell_pipelines.analysis.viability.counting import viability_of
from cell_pipelines.analysis.viability.grouping import group_fields
from cell_pipelines.analysis.viability.rules import ViabilityRules, some_of
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images

REGION_COLUMNS: Final = {
    "field": "str", "image": "str", "region": "int64", "name": "str", "class": "str",
    "live": "int64", "dead": "int64", "total": "int64",
    "viability_percent": "float64", "viability_low_percent": "float64", "viability_high_percent": "float64",
    "area_px2": "float64", "area_um2": "float64", "live_per_mm2": "float64", "dead_per_mm2": "float64",
}  # fmt: skip
_COUNTED: Final = {"live": ("live",), "dead": ("dead", "dead_without_nucleus")}


def no_regions() -> pd.DataFrame:
    """Return a table without a row, with `REGION_COLUMNS`."""
    return pd.DataFrame(columns=list(REGION_COLUMNS)).astype(REGION_COLUMNS)


def count_region_viability(
    cells: AnnotationSet, facts: pd.DataFrame, states: pd.DataFrame, regions: AnnotationSet, rules: ViabilityRules
) -> pd.DataFrame:
    """Count the living and dead cells whose centroid lies in a region or on its edge.

    Args:
        cells: All images with their cells.
        facts: One row per image, as `counting.count_viability` takes.
        states: One row per object with its place and status, as it returns.
        regions: Boxes, polygons or masks of these images, as `region_counts.count_in_regions` takes.
        rules: Those that the states follow.

    Returns:
        One row per region, in the order of the regions' images, with `REGION_COLUMNS`: `field`; `image`, `region`,
        `name`, `class` and areas as in `region_counts.RegionCounts`; `live`, `dead` and their sum, where a cell counts
        in each region that it lies in; viability in per cent with Wilson's 95 % interval for the cells of this region
        alone, NaN without cells; living and dead cells per mm², NaN where the size of a pixel is not known.

    Raises:
        ValueError: There is no region, or one is on an image that is in no field.
    """
    places = {name: row for row, name in enumerate(cells.names)}
    field_of = {cells.names[row]: field.name for field in group_fields(cells, facts, rules) for row in field.images}
    drawn = dict(regions_by_image(regions))
    if not drawn:
        raise ValueError("expected regions to count cells in, got none; a region is a box, a polygon or a mask.")
    left = [name for name in drawn if name not in field_of]
    if left:
        raise ValueError(
            f"expected regions of images that are counted, got some of images that are in no field: "
            f"{some_of(left)}; take out these regions, or let `cell_selection` take these images."
        )
    view, keys = ("image", {name: name for name in drawn}) if rules.nuclei is None else ("field", field_of)
    seen = dict(list(states.groupby(view, sort=False)))
    tables = []
    for name, own in drawn.items():
        shown = seen.get(keys[name], states[:0])
        inside = which_inside(own, shown[["x", "y"]].to_numpy(dtype=np.float64))
        counts = {one: inside[:, shown["status"].isin(names)].sum(axis=1) for one, names in _COUNTED.items()}
        described = describe_regions(own, select_images(cells, [places[name]]))
        tables.append(described.assign(field=field_of[name], **counts))
    return _with_viability(pd.concat(tables, ignore_index=True))


def _with_viability(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(total=table["live"] + table["dead"])
    shares = [viability_of(int(live), int(total)) for live, total in zip(table["live"], table["total"], strict=True)]
    densities = {f"{one}_per_mm2": per_area(table[one], table["area_um2"], UM2_PER_MM2) for one in _COUNTED}
    return table.assign(**pd.DataFrame(shares), **densities)[list(REGION_COLUMNS)].astype(REGION_COLUMNS)
