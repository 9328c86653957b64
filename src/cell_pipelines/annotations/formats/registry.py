"""Annotation formats by name: finding out which one lies in a folder, reading it, writing it."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.label_questions import describe_unsupported_labels
from cell_pipelines.annotations.formats.label_pictures.label_unread import describe_unread_labels
from cell_pipelines.annotations.formats.sources.doubts import doubt_source
from cell_pipelines.annotations.formats.sources.encodings import assume_encoding
from cell_pipelines.annotations.formats.sources.foreign import describe_closed, describe_contents, describe_unsupported
from cell_pipelines.annotations.formats.sources.links import find_unfollowed, list_unfollowed
from cell_pipelines.annotations.formats.sources.single_file import as_folder
from cell_pipelines.annotations.formats.sources.split_lists import read_split_lists
from cell_pipelines.annotations.formats.writing.adapting import adapt_to_format
from cell_pipelines.annotations.geometry.scatter import find_scattered
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

Reader = Callable[[ImageIndex], Conversion]

FORMATS = (
    "binary_mask", "coco", "create_ml", "cvat", "darwin", "dota", "imagej_roi", "instance_channel", "label_image",
    "label_studio", "labelme", "labelme_xml", "mask_files", "napari_points", "ome_zarr", "pascal_voc", "point_list",
    "qupath_geojson", "run_length_csv", "supervisely", "tensorflow_csv", "trackmate_csv", "via_csv", "via_json",
    "voc_masks", "vott_csv", "vott_json", "yolo",
)  # fmt: skip
# Labels are looked through where they are read, unless their writer says what their numbers are.
_LOOKED_THROUGH = ("label_image", "ome_zarr")


class AnnotationFormat(Protocol):
    """Interface of a format's module."""

    @property
    def CAPABILITIES(self) -> Capabilities:
        """Capabilities: what a round trip preserves."""

    @property
    def SUMMARY(self) -> str:
        """The format and who writes it, in one line."""

    def detect(self, folder: Path) -> str | None:
        """Say what speaks for this format in `folder`, or None."""

    def read(self, folder: Path, images: ImageIndex, **options: Any) -> Conversion:
        """Read what lies in `folder` about `images`."""

    def write(self, annotations: AnnotationSet, folder: Path, **options: Any) -> tuple[Finding, ...]:
        """Write `annotations`, which fit the format, into `folder` and list what is special."""


def create_format(name: str) -> AnnotationFormat:
    """Return the format called `name`.

    Raises:
        ValueError: There is no such format; the sentence lists those there are.
    """
    if name not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}, got {name!r}.")
    return cast(AnnotationFormat, import_module(f"cell_pipelines.annotations.formats.{name}"))


def detect_format(folder: Path) -> tuple[str, str]:
    """Return the name of the one format found in `folder` and what speaks for it.

    Raises:
        AnnotationFormatError: No format was found, or several; the sentence lists them, or names the source that
            can't be read and what to export instead.
    """
    if not folder.is_dir():
        what = "it is a file" if folder.exists() else "there is none"
        raise AnnotationFormatError(f"{folder}: expected a folder with annotations; {what}.")
    found = {name: reason for name in FORMATS if (reason := create_format(name).detect(folder))}
    if len(found) == 1:
        return next(iter(found.items()))
    if not found:
        asked = (
            describe_closed,
            describe_unsupported_labels,
            describe_unread_labels,
            describe_unsupported,
            _describe_nothing,
        )
        sentence = next(filter(None, (explained(folder) for explained in asked)))
        raise AnnotationFormatError(f"{folder}: {sentence}")
    listed = "; ".join(f"{name} ({reason})" for name, reason in found.items())
    raise AnnotationFormatError(
        f"{folder}: several formats lie here: {listed}. Name the `format`: `raw_format` in the study's "
        "globals.yml, `--format` of a command."
    )


def _describe_nothing(folder: Path) -> str:
    nothing = f"found no annotations; expected one of {', '.join(FORMATS)}.{describe_contents(folder)}"
    links = list(find_unfollowed(folder).items())
    if not links:
        return nothing
    more = f" and {len(links) - 1} more" if len(links) > 1 else ""
    return f"{nothing} Not looked at: {links[0][0]}{more}: {links[0][1]}"


def read_annotations(
    folder: Path, images: ImageIndex, *, format: str = "auto", encoding: str | None = None, **options: Any
) -> Conversion:
    """Read the annotations in `folder`, in the format found there or the one named, and the splits that it states.

    Args:
        folder: Where they lie; or the one file that holds them.
        images: The images that are there.
        format: Name of the format; ``auto`` recognises it.
        encoding: Encoding of text files that are neither UTF-8 nor UTF-16 and declare none, such as ``latin-1``.
        **options: As the format's own `read` takes them.

    Raises:
        AnnotationFormatError: No format is recognised, or several.
        ValueError: The format or an option is unknown.
    """
    try:
        with assume_encoding(encoding), as_folder(folder) as place:
            name, reason = detect_format(place) if format == "auto" else (format, "named in the catalog")
            splits, findings = read_split_lists(place, images)
            conversion = create_format(name).read(place, images.with_splits(splits), **options)
            findings = [*findings, *list_unfollowed(place, images)]
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unknown is None or unknown[1] not in options:
            raise
        raise ValueError(f"{name} has no option {unknown[1]!r}; docs/formats.md lists those there are.") from error
    doubts = () if name in _LOOKED_THROUGH else _scattered(conversion.annotations)
    doubts = (*doubts, *doubt_source(conversion))
    return replace(conversion, recognised_by=reason, findings=(*findings, *conversion.findings, *doubts))


def _scattered(annotations: AnnotationSet) -> tuple[Finding, ...]:
    """Return a finding for each image in which objects are made of many or distant pieces."""
    images: dict[int, list[int]] = {}
    for row in find_scattered(annotations).tolist():
        images.setdefault(int(annotations.image_index[row]), []).append(row)
    counts = np.bincount(annotations.image_index, minlength=annotations.n_images)
    return tuple(
        Finding(
            annotations.names[image], f"object in row {rows[0]}", "suspect",
            f"{len(rows)} of {int(counts[image])} objects lie in many or distant pieces, as regions of many cells "
            "do; each counts as one.", len(rows),
        )
        for image, rows in images.items()
    )  # fmt: skip


def fit_annotations(
    annotations: AnnotationSet, format: str, geometries: Collection[str] | None = None
) -> tuple[AnnotationSet, tuple[Finding, ...]]:
    """Return `annotations` as the format can hold them, and the account of everything that changes.

    Args:
        annotations: What is to be written.
        format: Name of the format.
        geometries: Only these geometries, such as boxes for a detector, of those that the format has.

    Raises:
        ValueError: The format is unknown or has none of `geometries`.
    """
    capabilities = create_format(format).CAPABILITIES
    if geometries is not None:
        left = tuple(name for name in capabilities.geometries if name in geometries)
        if not left:
            known = ", ".join(capabilities.geometries)
            raise ValueError(f"`geometries` of {format} must be some of {known}, got {', '.join(geometries)}.")
        capabilities = replace(capabilities, geometries=left)
    return adapt_to_format(annotations, capabilities)


def write_annotations(
    annotations: AnnotationSet,
    folder: Path,
    *,
    format: str,
    geometries: Collection[str] | None = None,
    **options: Any,
) -> tuple[Finding, ...]:
    """Write `annotations` into `folder` and list everything that the format could not hold.

    Args:
        annotations: What to write.
        folder: Where to.
        format: Name of the format.
        geometries: As for `fit_annotations`.
        **options: As the format's own `write` takes them.

    Raises:
        ValueError: The format is unknown or has none of `geometries`.
    """
    fitted, findings = fit_annotations(annotations, format, geometries)
    return (*findings, *create_format(format).write(fitted, folder, **options))
