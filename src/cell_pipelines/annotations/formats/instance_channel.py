"""Instance numbers in one channel of a colour picture, as in BBBC039, where a number is used for several cells.

Only cells that touch must differ in number there, so each connected piece of one number is a cell. Where
``instances/classes.csv`` lies beside, which our own writer makes, each number is one cell, also in pieces.
"""

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.label_files import read_label_files
from cell_pipelines.annotations.formats.label_pictures.label_peeks import peek_rasters
from cell_pipelines.annotations.formats.label_pictures.label_values import Remark
from cell_pipelines.annotations.formats.label_pictures.object_table import (
    LabelRow,
    has_object_table,
    read_object_table,
    write_label_table,
)
from cell_pipelines.annotations.formats.label_pictures.rasters import Raster, to_labels, write_raster
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_naming import Naming
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.geometry.label_images import labels_to_objects, objects_to_labels, split_pieces
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images

Connectivity = Literal[4, 8]

CAPABILITIES = Capabilities(geometries=("mask",), ignored_regions=True, overlaps=False, classes="used")
SUMMARY = "Instance numbers in the red channel of a colour PNG, used again for cells that do not touch (BBBC039)."

TABLE = "instances/classes.csv"
_MAX_LABEL = 65_535
_COLOURS = ("red", "green", "blue")


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    if has_object_table(folder, TABLE):
        return f"{TABLE} says what the numbers are"
    for file, raster in peek_rasters(folder):
        if _has_one_channel(raster):
            return f"{file} is a colour picture of which only one channel holds numbers"
    return None


def _has_one_channel(raster: Raster) -> bool:
    if raster.ndim != 3 or raster.shape[2] < 3:
        return False
    opaque = bool((raster[..., 3:] == raster[:1, :1, 3:]).all())
    return opaque and sum(bool(raster[..., i].any()) for i in range(3)) == 1


def read(
    folder: Path,
    images: ImageIndex,
    *,
    category: str = "cell",
    channel: int | None = None,
    connectivity: Connectivity = 8,
    **options: Any,
) -> Conversion:
    """Read every picture of instances below `folder`; each connected piece of a number is one object.

    Args:
        folder: Where the pictures lie, at any depth.
        images: The images that are there; a picture that is all background tells of an image without cells.
        category: Class of the objects of which the CSV says none.
        channel: Which channel holds the numbers: 0 red, 1 green, 2 blue; None for the only one that isn't empty.
        connectivity: 8 where pixels of one number that touch at a corner are one object, 4 where they are apart.
        **options: As for `Naming`: `label_folder`, `suffix`, `image`, where labels are called otherwise than usual;
            and as for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `channel` or `connectivity` is unknown.
    """
    if channel not in (None, 0, 1, 2) or connectivity not in get_args(Connectivity):
        raise ValueError(
            f"`channel` must be 0, 1 or 2 and `connectivity` 4 or 8, got {channel!r} and {connectivity!r}."
        )
    naming = Naming.taken_from(options)
    collector = AnnotationCollector(images, sort_categories=True, **options)
    has_table = has_object_table(folder, TABLE)
    table = read_object_table(collector, folder, TABLE)

    def check(raster: Raster) -> tuple[Raster, list[Remark]]:
        if raster.ndim != 3 or raster.shape[2] < 3:
            raise ValueError(f"expected a colour picture with three channels or more, got shape {raster.shape}.")
        number, remarks = _choose_channel(raster, channel)
        return to_labels(raster[..., number]), remarks

    def take(file: str, row: int, numbers: Raster) -> None:
        known = table.get(file, {})
        ids, boxes, counts = labels_to_objects(numbers if has_table else split_pieces(numbers, connectivity))
        for label, box, runs in zip(ids.tolist(), boxes.tolist(), counts, strict=True):
            said = known.get(label, LabelRow())
            collector.add_mask(file, f"label {label}", row, said.category or category, box, runs, **said.extra)

    read_label_files(collector, folder, naming, take, check)
    return collector.finish("instance_channel")


def _choose_channel(raster: Raster, channel: int | None) -> tuple[int, list[Remark]]:
    """Return the channel that holds the numbers, and a remark where that isn't the red one or doubtful.

    Raises:
        ValueError: None was asked for, and several hold numbers that differ.
    """
    used = [number for number in range(3) if raster[..., number].any()]
    if channel is None:
        agree = bool((raster[..., :3] == raster[..., :1]).all())
        if len(used) > 1 and not agree:
            names = " and ".join(_COLOURS[number] for number in used)
            raise ValueError(f"expected numbers in one channel, got different ones in {names}; name the `channel`.")
        number = used[0] if used else 0
        noted = [Remark("noted", f"the numbers are taken from the {_COLOURS[number]} channel.")]
        return number, noted if number else []
    others = [_COLOURS[number] for number in used if number != channel]
    if channel in used or not others:
        return channel, []
    reason = f"the {_COLOURS[channel]} channel is empty, as asked; there are numbers in {' and '.join(others)}."
    return channel, [Remark("suspect", reason)]


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``instances/<image>.png`` for each image, numbers in the red channel, and the CSV.

    Raises:
        ValueError: An image has more objects than 16 bit can number; nothing is written.
    """
    counts = annotations.counts().sum(axis=1).tolist()
    if max(counts, default=0) > _MAX_LABEL:
        raise ValueError(f"an image has {max(counts)} objects; a channel of 16 bit numbers {_MAX_LABEL} at most.")
    files = label_paths([f"instances/{name}" for name in annotations.names], ".png")
    for one, count, path in zip(iterate_images(annotations), counts, resolve_all(folder, files), strict=True):
        labels, _ = objects_to_labels(one)
        picture = np.zeros((*labels.shape, 3), np.uint8 if count < 256 else np.uint16)
        picture[..., 0] = labels
        write_raster(picture, path)
    write_label_table(folder / TABLE, annotations, files)
    return ()
