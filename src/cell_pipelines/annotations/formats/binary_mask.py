"""Binary masks: one picture per image, 0 for background and one other value for cells; connected pixels are one cell.

Cells that touch are one cell in such a mask, and no reader can part them again: for truth of single cells use
`label_image`. Pixels are connected to their four neighbours by default, since lines that part cells, such as
watersheds, are often connected across corners only, and eight neighbours would join the cells again.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.label_files import read_label_files
from cell_pipelines.annotations.formats.label_pictures.label_peeks import peek_kinds
from cell_pipelines.annotations.formats.label_pictures.label_values import read_classes, read_mask
from cell_pipelines.annotations.formats.label_pictures.rasters import Raster, write_raster
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_naming import Naming
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.geometry.label_images import labels_to_objects, objects_to_labels, split_pieces
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images

Connectivity = Literal[4, 8]

# Cells that touch come back as one, and a cell in pieces as several, which `write` lists.
CAPABILITIES = Capabilities(
    geometries=("mask",), scores=False, attributes=False, overlaps=False, touching=False, classes="one"
)  # fmt: skip
SUMMARY = "Binary masks (PNG or TIFF, 0 and 255 or 0 and 1): connected pixels are one cell, so touching cells merge."


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    kinds = peek_kinds(folder)
    if set(kinds.values()) - {"empty", "full", "binary", "lossy_binary"}:
        return None
    found = next((file for file, kind in kinds.items() if kind in ("binary", "lossy_binary")), None)
    return f"{found} is a picture of background and one other value" if found else None


def read(
    folder: Path,
    images: ImageIndex,
    *,
    category: str = "cell",
    connectivity: Connectivity = 4,
    background: int | None = None,
    values: Mapping[int, str] | None = None,
    **options: Any,
) -> Conversion:
    """Read every binary mask, or map of classes, below `folder`; each connected piece of foreground is one object.

    Args:
        folder: Where the masks lie, at any depth.
        images: The images that are there; a mask that is all background tells of an image without cells.
        category: Class of all objects.
        connectivity: 4 where pixels that touch at a corner only are apart, 8 where they are one object.
        background: Value of the background; None for 0, or for the more frequent of two values without 0.
        values: Class of each value of a map of classes, such as ``{1: alive, 2: dead}``; other values are background.
        **options: As for `Naming`: `label_folder`, `suffix`, `image`, where labels are called otherwise than usual;
            and as for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `connectivity` is neither 4 nor 8, or `values` are no whole numbers with names.
    """
    if connectivity not in get_args(Connectivity):
        raise ValueError(f"`connectivity` must be 4 or 8, got {connectivity!r}.")
    if values is not None and (not values or not all(isinstance(value, int) and value > 0 for value in values)):
        raise ValueError(f"`values` must give classes of numbers above 0, as in {{1: alive, 2: dead}}, got {values!r}.")
    naming = Naming.taken_from(options)
    collector = AnnotationCollector(images, sort_categories=True, **options)

    def take(file: str, row: int, classes: Raster) -> None:
        pieces = split_pieces(classes, connectivity)
        numbers, boxes, counts = labels_to_objects(pieces)
        # Any pixel of a piece tells its class.
        of = np.zeros(len(numbers) + 1, dtype=np.int64)
        of[pieces.ravel()] = classes.ravel()
        for number, box, runs in zip(numbers.tolist(), boxes.tolist(), counts, strict=True):
            named = str(values[int(of[number])]) if values else category
            collector.add_mask(file, f"piece {number}", row, named, box, runs)

    check = partial(read_classes, values=values) if values else partial(read_mask, background=background)
    read_label_files(collector, folder, naming, take, check)
    return collector.finish("binary_mask")


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``masks/<image>.png`` with 0 and 255 for each image."""
    files = label_paths([f"masks/{name}" for name in annotations.names], ".png")
    for one, path in zip(iterate_images(annotations), resolve_all(folder, files), strict=True):
        labels, _ = objects_to_labels(one)
        write_raster(np.where(labels > 0, 255, 0).astype(np.uint8), path)
    return ()
