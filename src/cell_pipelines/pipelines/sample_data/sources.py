"""Annotated images of other studies put beside generated ones, as a starter model learns from both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.geometry.label_images import labels_to_objects, objects_to_labels
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.files import link_or_copy
from cell_pipelines.imaging.reading import ImageFile, list_image_files
from cell_pipelines.pipelines.sample_data.fields import CATEGORIES
from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters, SourceParameters

_TAKEN = ("train", "val")


@dataclass(frozen=True)
class AddedImage:
    """An image of a source that was added.

    Attributes:
        name: Below the folder of images.
        split: ``train`` or ``val``.
    """

    name: str
    split: str


def add_sources(builder: AnnotationBuilder, folder: Path, parameters: SampleDataParameters) -> list[AddedImage]:
    """Copy the images of each source that is not left out into `folder`, and add their cells to the annotations.

    Raises:
        AnnotationFormatError: A source's images have no annotations, or they are no masks or polygons.
        ValueError: A table of splits is none, or names images that are not there.
    """
    return [
        added
        for name, source in parameters.sources.items()
        if name not in parameters.leave_out
        for added in _add(builder, folder, name, source, CATEGORIES[parameters.kind][0])
    ]


def _add(
    builder: AnnotationBuilder, folder: Path, name: str, source: SourceParameters, category: str
) -> Iterator[AddedImage]:
    splits = _read_splits(source.split_table)
    files = list_image_files(source.images)
    missing = [image for image in splits if image not in files]
    if missing:
        raise ValueError(
            f"{source.split_table}: names {len(missing)} images that are not in {source.images}, first {missing[0]!r}."
        )
    for one in iterate_images(_read(files, splits, source)):
        image = one.names[0]
        place = f"images/{name}/{image}"
        link_or_copy(files[image].path, folder / place)
        labels, _ = objects_to_labels(one)
        row = builder.add_image(place, width=labels.shape[1], height=labels.shape[0])
        _, boxes, counts = labels_to_objects(labels)
        for box, runs in zip(boxes.tolist(), counts, strict=True):
            builder.add_object(row, category, "mask", box, counts=runs)
        yield AddedImage(f"{name}/{image}", splits[image])


def _read(files: Mapping[str, ImageFile], splits: Mapping[str, str], source: SourceParameters) -> AnnotationSet:
    infos = {name: files[name].info() for name in splits}
    index = ImageIndex(ImageRecord(name, info.width, info.height) for name, info in infos.items())
    conversion = read_annotations(source.annotations, index, format=source.format)
    unlabelled = sorted(set(splits) - set(conversion.annotations.names))
    if unlabelled:
        raise AnnotationFormatError(
            f"{source.annotations}: {len(unlabelled)} images have no annotations there, first {unlabelled[0]!r}."
        )
    return conversion.annotations


def _read_splits(path: Path) -> dict[str, str]:
    table = pd.read_csv(path, dtype=str)
    if not {"image", "split"} <= set(table.columns):
        raise ValueError(f"{path}: expected the columns image and split, got {', '.join(table.columns)}.")
    stated = zip(table["image"].astype(str), table["split"].astype(str), strict=True)
    return {image: split for image, split in stated if split in _TAKEN}
