"""Counts within annotated regions: read the regions of images, count, and say what the numbers leave open."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cell_pipelines.analysis.region_counts import RESERVED, RegionCounts, count_in_regions
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.workflows.ground_truth import read_ground_truth

logger = logging.getLogger(__name__)

_SHOWN = 3


def read_regions(images: Mapping[str, ImageFile], source: Path, format: str = "auto") -> AnnotationSet:
    """Read regions of images that are annotated in any format; those that are of no image are told in the log.

    Args:
        images: The images by name.
        source: Folder or file of the regions.
        format: Their format; ``auto`` recognises it.

    Raises:
        MistakeError: There is no such source, or it is about none of the images.
        AnnotationFormatError: No format is recognised, or several.
    """
    conversion = read_ground_truth(images, source, format)
    # An image without regions is nothing to tell.
    told = [finding for finding in conversion.findings if finding.file not in images]
    lost = [finding for finding in told if finding.action in ("dropped", "skipped")]
    if lost:
        shown = " ".join(finding.sentence() for finding in lost[:_SHOWN])
        more = f" There are {len(lost) - _SHOWN} more such entries." if len(lost) > _SHOWN else ""
        logger.warning("%s: not every region is counted in. %s%s", source, shown, more)
    return conversion.annotations


def count_regions(cells: AnnotationSet, regions: AnnotationSet, source: Path) -> RegionCounts:
    """Count the cells of images within annotated regions.

    Args:
        cells: The cells.
        regions: Of `read_regions`.
        source: Where they were read.

    Raises:
        MistakeError: None of the images that are counted has a region.
    """
    try:
        return count_in_regions(cells, regions)
    except ValueError as error:
        raise MistakeError(f"{source}: {error}; a region is a box, a polygon or a mask.") from error


def describe_regions(counts: RegionCounts) -> list[str]:
    """Return in sentences what was counted where, and what the counts leave open."""
    images = counts.table["image"].nunique()
    said = [
        f"{len(counts.table)} regions in {images} image{'' if images == 1 else 's'}. A cell counts where its centroid "
        f"lies; {counts.outside} cells of these images lie in no region, and {counts.several} in several, where each "
        "counts them.",
        "Intervals of counts are calibrated for whole images, so those of regions have none.",
    ]
    if counts.table["area_um2"].isna().any():
        said.append("Cells per mm² are given where the size of a pixel is known.")
    return said


def shown_regions(counts: RegionCounts) -> pd.DataFrame:
    """Return the columns that a person reads: areas in µm² where pixels have a size, names where there are any."""
    table = counts.table
    in_pixels, in_mm = ["area_px2", "cells_per_megapixel"], ["area_um2", "cells_per_mm2"]
    empty = [] if (table["name"] != "").any() else ["name"]
    # Of one class the count is the total.
    classes = [name for name in table if name not in RESERVED]
    return table.drop(columns=[
        *(in_pixels if table["area_um2"].notna().all() else in_mm), *empty, *(classes if len(classes) == 1 else []),
    ])  # fmt: skip
