"""VGG Image Annotator (VIA 1 and 2), CSV: one row per region, shape and attributes as JSON in cells.

An image without regions has one row whose ``region_count`` is 0; `via_regions` says how shapes and classes are read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.parts.via_regions import (
    SPLIT,
    ImageEntry,
    choose_class_attribute,
    read_entries,
    regions_by_image,
)  # fmt: skip
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import split_files_first
from cell_pipelines.annotations.formats.sources.json_files import mapping
from cell_pipelines.annotations.formats.sources.tables import (
    Table,
    data_files,
    evidence,
    fitting_rows,
    peek_header,
    read_table,
    write_table,
)  # fmt: skip
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(
    geometries=("box", "point", "polygon"), holes=False, pieces=False, splits=True, classes="used"
)
SUMMARY = "VIA CSV: annotations of the VGG Image Annotator 1 and 2 as a table."

_COLUMNS = (
    "filename", "file_size", "file_attributes", "region_count", "region_id", "region_shape_attributes",
    "region_attributes",
)  # fmt: skip
_NEEDED = ("region_shape_attributes", "region_attributes")


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".csv") if _is_via(path))
    return evidence(folder, found, f"a table with the columns {', '.join(_NEEDED)}")


def _is_via(path: Path) -> bool:
    return set(_NEEDED) <= set(peek_header(path))


def read(folder: Path, images: ImageIndex, *, class_attribute: str | None = None, **options: Any) -> Conversion:
    """Read every such table below `folder`; a folder or file called train, val or test is a split.

    Args:
        folder: Where the tables lie, at any depth.
        images: The images that are there.
        class_attribute: The region attribute that holds the class; None for the only one, or one called class,
            label or the like.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        AnnotationFormatError: It can't be told which attribute is the class.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    found: dict[str, list[ImageEntry]] = {}
    for path in split_files_first(folder, [path for path in data_files(folder, ".csv") if _is_via(path)]):
        file = path.relative_to(folder).as_posix()
        try:
            found[file] = _entries(collector, file, read_table(path))
        except ValueError as error:
            collector.skip_file(file, str(error))
    chosen = choose_class_attribute([entry for listed in found.values() for entry in listed], class_attribute)
    for file, listed in found.items():
        read_entries(collector, file, listed, chosen)
    return collector.finish("via_csv")


def _entries(collector: AnnotationCollector, file: str, table: Table) -> list[ImageEntry]:
    # Version 1.0 begins the header with #.
    name_at = table.column("filename", "#filename")
    shape_at, class_at = (table.column(name) for name in _NEEDED)
    if name_at is None or shape_at is None or class_at is None:
        raise ValueError(f"expected the columns {', '.join(_COLUMNS)}.")
    count_at, image_at = table.column("region_count"), table.column("file_attributes")
    regions: dict[str, list[Mapping[str, Any]]] = {}
    attributes: dict[str, Mapping[str, Any]] = {}
    for line, row in fitting_rows(collector, file, table):
        name = row[name_at].strip()
        found = regions.setdefault(name, [])
        try:
            if image_at is not None and name not in attributes:
                attributes[name] = _cell(row[image_at])
            shape = _cell(row[shape_at])
            if shape or (count_at is not None and row[count_at].strip() not in ("", "0")):
                found.append({"shape_attributes": shape, "region_attributes": _cell(row[class_at])})
        except ValueError as error:
            collector.drop(file, f"line {line}", f"a cell is no valid JSON: {error}.")
    return [ImageEntry(name, found, attributes.get(name, {})) for name, found in regions.items()]


def _cell(text: str) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(text or "{}"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``via_annotations.csv``; the split of an image is one of its file attributes."""
    rows: list[list[str]] = []
    splits = annotations.images["split"].to_pylist()
    for name, split, regions in zip(annotations.names, splits, regions_by_image(annotations), strict=True):
        # The size in bytes is unknown; the annotator writes -1 for an image that it has by address only.
        start = [name, "-1", json.dumps({SPLIT: split} if split else {}), str(len(regions))]
        empty: dict[str, Any] = {"shape_attributes": {}, "region_attributes": {}}
        for number, region in enumerate(regions or [empty]):
            cells = (json.dumps(region[key]) for key in ("shape_attributes", "region_attributes"))
            rows.append([*start, str(number), *cells])
    write_table(folder / "via_annotations.csv", _COLUMNS, rows)
    return ()
