"""Mask files: one picture per cell, as in the Data Science Bowl of 2018: ``<image>/masks/*.png``.

Cells may overlap, and a cell may lie in pieces. Classes, scores and attributes, which a mask can't hold, stand in
``masks.csv``, which our own writer makes and which is read where it lies there.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.label_files import MASK_TABLE, is_called, is_mask_folder
from cell_pipelines.annotations.formats.label_pictures.label_values import find_mask
from cell_pipelines.annotations.formats.label_pictures.object_table import (
    LabelRow,
    has_object_table,
    read_object_table,
    write_object_table,
)
from cell_pipelines.annotations.formats.label_pictures.rasters import SUFFIXES, read_raster, write_raster
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_paths import child, files_below, label_paths, resolve_all
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(geometries=("mask",), ignored_regions=True, classes="used")
SUMMARY = "Mask files, one picture per cell (Data Science Bowl 2018): <image>/masks/*.png; overlaps are kept."

_NOTHING: dict[str, Any] = {"score": None, "crowd": False, "attributes": None}


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    if has_object_table(folder, MASK_TABLE):
        return f"{MASK_TABLE} says what the masks are"
    for path in sorted(path for path in folder.rglob("*") if path.name.lower() == "masks"):
        if path.is_dir() and is_mask_folder(path):
            return f"{path.relative_to(folder).as_posix()} holds the masks of the cells of one image"
    return None


def read(
    folder: Path, images: ImageIndex, *, category: str = "cell", label_folder: str = "masks", **options: Any
) -> Conversion:
    """Read every folder of masks below `folder`; each mask is one object, whatever is not 0 belongs to it.

    Args:
        folder: Where the folders called like the images lie, at any depth.
        images: The images that are there; an empty folder of masks tells of nothing.
        category: Class of the masks of which the CSV says none.
        label_folder: Name of the folder with the masks in the folder of each image.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    table = read_object_table(collector, folder, MASK_TABLE)
    masks: dict[str, list[Path]] = {name: [] for name, rows in table.items() if 0 in rows}
    for path in sorted(path for ending in SUFFIXES for path in files_below(folder, ending)):
        if path.parent.name.lower() == label_folder.lower():
            masks.setdefault(path.parent.relative_to(folder).as_posix(), []).append(path)
    for name, paths in masks.items():
        known = {path: table.get(path.relative_to(folder).as_posix(), {}).get(1, LabelRow()) for path in paths}
        _read_folder(collector, folder, name, known, category)
    return collector.finish("mask_files")


def _read_folder(
    collector: AnnotationCollector, folder: Path, name: str, known: dict[Path, LabelRow], category: str
) -> None:
    record = _find_image(collector.images, PurePosixPath(name), folder)
    if record is None or record.is_damaged:
        collector.image(name, str(PurePosixPath(name).parent) if record is None else record.name)
        collector.drop(name, "", "the masks of an image that is not among the images or can't be read.", len(known))
        return
    read: list[tuple[Path, Any]] = []
    for path in known:
        try:
            mask, remarks = find_mask(read_raster(path, (record.width, record.height)))
            read.append((path, labels_to_objects(mask.astype(np.uint8))))
        except ValueError as error:
            collector.drop(path.relative_to(folder).as_posix(), "mask", str(error))
            continue
        for remark in remarks:
            collector.note(path.relative_to(folder).as_posix(), "mask", remark.action, remark.reason, 0)
    # An image of which no mask can be read is not one without cells.
    row = collector.image(name, record.name) if read or not known else None
    if row is None or collector.refuse_second_label(name, row):
        collector.drop(name, "", "the masks of a folder that is skipped.", len(read))
        return
    for path, (_, boxes, counts) in read:
        file, said = path.relative_to(folder).as_posix(), known[path]
        if counts:
            collector.add_mask(file, "mask", row, said.category or category, boxes[0].tolist(), counts[0], **said.extra)
        else:
            collector.drop(file, "mask", "the mask is empty: no pixel belongs to it.")


def _find_image(images: ImageIndex, masks: PurePosixPath, folder: Path) -> ImageRecord | None:
    """Return the image that lies in ``images`` beside the masks, or that their folder is called like."""
    home = masks.parent
    beside = [p.name for p in child(folder / home, "images").glob("*") if p.is_file() and not p.name.startswith(".")]
    for name, near in ((beside[0] if len(beside) == 1 else "", str(home / "images")), (home.name, str(home.parent))):
        record = images.find(name, near)
        if record is not None and is_called(record, name):
            return record
    return None


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``<image>/masks/<number>.png`` with 0 and 255 for each object, and ``masks.csv``."""
    homes = [path.removesuffix(".png") for path in label_paths(annotations.names, ".png")]
    resolve_all(folder, homes)
    write_object_table(folder / MASK_TABLE, _written(annotations, folder, homes))
    return ()


def _written(
    annotations: AnnotationSet, folder: Path, homes: list[str]
) -> Iterator[tuple[str, int, dict[str, Any], str]]:
    """Write the masks one by one and yield the line of each for the table."""
    images = annotations.images.to_pylist()
    for image, home, rows in zip(images, homes, annotations.rows_by_image(), strict=True):
        if not rows.size:
            yield f"{home}/masks", 0, _NOTHING, ""
        for number, row in enumerate(rows.tolist(), start=1):
            [record] = annotations.objects.slice(row, 1).to_pylist()
            mask = run_lengths_to_mask(record["counts"], image["height"], image["width"])
            file = f"{home}/masks/{number:06d}.png"
            write_raster(np.where(mask, 255, 0).astype(np.uint8), folder / file)
            yield file, 1, record, annotations.categories[record["category"]]
