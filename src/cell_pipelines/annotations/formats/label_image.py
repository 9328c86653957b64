"""Label images: one picture per image, in which the value of a pixel is the number of its cell and 0 is background.

StarDist, Cellpose, QuPath, ilastik and others write them as PNG or TIFF of 8, 16 or 32 bit. Classes, scores and
attributes, which a picture can't hold, stand in ``labels/classes.csv``, which is read where it lies there.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.label_files import read_label_files
from cell_pipelines.annotations.formats.label_pictures.label_peeks import peek_kinds
from cell_pipelines.annotations.formats.label_pictures.label_values import read_labels
from cell_pipelines.annotations.formats.label_pictures.object_table import (
    LabelRow,
    has_object_table,
    read_object_table,
    write_label_table,
)
from cell_pipelines.annotations.formats.label_pictures.rasters import Raster, write_raster
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_naming import Naming
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.geometry.label_images import labels_to_objects, objects_to_labels
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images

CAPABILITIES = Capabilities(geometries=("mask",), ignored_regions=True, overlaps=False, classes="used")
SUMMARY = "Label images (PNG or TIFF, one number per cell) as StarDist, Cellpose and QuPath write; classes in a CSV."

TABLE = "labels/classes.csv"
_MAX_IN_16_BIT = 65_535


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    if has_object_table(folder, TABLE):
        return f"{TABLE} says what the labels are"
    found = next((file for file, kind in peek_kinds(folder).items() if kind == "labels"), None)
    return f"{found} is a picture of several labels" if found else None


def read(folder: Path, images: ImageIndex, *, category: str = "cell", **options: Any) -> Conversion:
    """Read every label image below `folder`; all pixels of one value are one object, also where they lie apart.

    Args:
        folder: Where the label images lie, at any depth.
        images: The images that are there; a label image that is all background tells of an image without cells.
        category: Class of the labels of which the CSV says none.
        **options: As for `Naming`: `label_folder`, `suffix`, `image`, where labels are called otherwise than usual;
            and as for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    naming = Naming.taken_from(options)
    collector = AnnotationCollector(images, sort_categories=True, **options)
    table = read_object_table(collector, folder, TABLE)

    def take(file: str, row: int, labels: Raster) -> None:
        known = table.get(file, {})
        ids, boxes, counts = labels_to_objects(labels)
        for label, box, runs in zip(ids.tolist(), boxes.tolist(), counts, strict=True):
            said = known.get(label, LabelRow())
            # The number may be that of a track; beside our own table it only counts.
            extra = said.extra if known else {"attributes": {"label": label}}
            collector.add_mask(file, f"label {label}", row, said.category or category, box, runs, **extra)

    read_label_files(collector, folder, naming, take, partial(read_labels, doubt=not table))
    return collector.finish("label_image")


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``labels/<image>.png`` of 16 bit for each image, a TIFF of 32 bit where that is too few, and the CSV."""
    ends = [".png" if count <= _MAX_IN_16_BIT else ".tif" for count in annotations.counts().sum(axis=1).tolist()]
    short = label_paths([f"labels/{name}" for name in annotations.names], ".png")
    files = [f"{name.removesuffix('.png')}{end}" for name, end in zip(short, ends, strict=True)]
    paths = resolve_all(folder, files)
    for one, path in zip(iterate_images(annotations), paths, strict=True):
        labels, _ = objects_to_labels(one)
        write_raster(labels.astype(np.uint16 if path.suffix == ".png" else np.uint32), path)
    write_label_table(folder / TABLE, annotations, files)
    return ()
