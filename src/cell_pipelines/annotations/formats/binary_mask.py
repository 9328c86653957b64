"""Binary masks: a picture an image, 0 for background and one other value for cells; connected pixels are one cell.

Cells that touch are one cell in such a mask, and no reader can part them again: for truth of single cells use
`label_image`. Pixels are connected to their four neighbours by default, since lines that part cells, such as
watersheds, are often connected across corners only, and eight neighbours would join the cells again.
"""

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.intake import Intake
from cell_pipelines.annotations.formats.label_files import Naming, peek_rasters, read_label_files
from cell_pipelines.annotations.formats.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.formats.rasters import Raster, to_labels, write_raster
from cell_pipelines.annotations.geometry.label_images import binary_to_labels, labels_to_objects, objects_to_labels
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
    found = None
    for file, raster in peek_rasters(folder):
        try:
            values = np.unique(to_labels(raster))
        except ValueError:
            return None
        if len(values[values > 0]) > 1:
            return None
        if values[-1] > 0:
            found = found or f"{file} is a picture of background and one other value"
    return found


def read(
    folder: Path, images: ImageIndex, *, category: str = "cell", connectivity: Connectivity = 4, **options: Any
) -> Conversion:
    """Read every binary mask below `folder`; each connected piece of foreground is one object.

    Args:
        folder: Where the masks lie, at any depth.
        images: The images that are there; a mask that is all background tells of an image without cells.
        category: Class of all objects.
        connectivity: 4 where pixels that touch at a corner only are apart, 8 where they are one object.
        **options: As for `Naming`: `label_folder`, `suffix`, `image`, where labels are called otherwise than usual;
            and as for `Intake`: `classes`, `unlabelled`.

    Raises:
        ValueError: `connectivity` is neither 4 nor 8.
    """
    if connectivity not in get_args(Connectivity):
        raise ValueError(f"`connectivity` must be 4 or 8, got {connectivity!r}.")
    naming = Naming.taken_from(options)
    intake = Intake(images, sort_categories=True, **options)

    def take(file: str, row: int, mask: Raster) -> None:
        _, boxes, counts = labels_to_objects(binary_to_labels(mask > 0, connectivity))
        for number, (box, runs) in enumerate(zip(boxes.tolist(), counts, strict=True), start=1):
            intake.add_mask(file, f"piece {number}", row, category, box, runs)

    read_label_files(intake, folder, naming, take, _to_mask)
    return intake.finish("binary_mask")


def _to_mask(raster: Raster) -> Raster:
    labels = to_labels(raster)
    values = np.unique(labels)
    if len(values[values > 0]) > 1:
        raise ValueError(f"expected background and one other value, got {len(values)} values; is it a label image?")
    return labels


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``masks/<image>.png`` with 0 and 255 for each image."""
    files = label_paths([f"masks/{name}" for name in annotations.names], ".png")
    for one, path in zip(iterate_images(annotations), resolve_all(folder, files), strict=True):
        labels, _ = objects_to_labels(one)
        write_raster(np.where(labels > 0, 255, 0).astype(np.uint8), path)
    return ()
