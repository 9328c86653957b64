"""A set as ImageJ ROIs, one archive an image."""

import json
import re
import zipfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.findings import Finding
from cell_pipelines.annotations.formats.parts.imagej_properties import Described, write_properties
from cell_pipelines.annotations.formats.parts.imagej_shapes import to_roi
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.geometry.conventions import to_rings
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.files import atomic_path

# ImageJ can't save more points in one ROI.
_MAX_POINTS = 65_535
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``<image>_RoiSet.zip`` for each image, which Fiji's ROI manager opens.

    A box is a rectangle, a polygon of several rings a composite, points that follow each other and agree in all else
    are one multi-point. Class, score and attributes stand in the ROI's properties, the class also as its group, by
    which Fiji colours it. Coordinates are 32-bit numbers, exact to 0.001 pixels up to 16,384 pixels.
    """
    names = [f"{path.removesuffix('.zip')}_RoiSet.zip" for path in label_paths(annotations.names, ".zip")]
    for rows, path in zip(annotations.rows_by_image(), resolve_all(folder, names), strict=True):
        records = annotations.objects.take(rows).to_pylist()
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, group in enumerate(_groups(records), start=1):
                category = annotations.categories[group[0]["category"]]
                # The archive's date would make two equal sets differ.
                member = zipfile.ZipInfo(f"{number:05d}-{re.sub(r'[^0-9A-Za-z-]+', '_', category)[:40]}.roi", _EARLIEST)
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, _to_bytes(group, category))
    return ()


def _groups(records: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the objects of each ROI: one, or points that follow each other and differ in their place only."""
    point = GEOMETRIES.index("point")
    said = ("category", "score", "crowd", "attributes")
    alike = groupby(
        enumerate(records),
        lambda pair: tuple(pair[1][key] for key in said) if pair[1]["geometry"] == point else pair[0],
    )
    for _, pairs in alike:
        group = [record for _, record in pairs]
        for start in range(0, len(group), _MAX_POINTS):
            yield group[start : start + _MAX_POINTS]


def _to_bytes(group: list[dict[str, Any]], category: str) -> bytes:
    record = group[0]
    box = tuple(record[name] for name in ("x_min", "y_min", "x_max", "y_max"))
    geometry = GEOMETRIES[record["geometry"]]
    points = [(r["x_min"], r["y_min"]) for r in group] if geometry == "point" else []
    roi = to_roi(geometry, box, to_rings(record["rings"] or []), points)
    attributes = json.loads(record["attributes"] or "{}")
    write_properties(roi, Described(category, record["score"], record["crowd"], attributes), record["category"])
    content: bytes = roi.tobytes()
    return content
