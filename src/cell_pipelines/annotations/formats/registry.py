"""Annotation formats by name: finding out which one lies in a folder, reading it, writing it."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet

Reader = Callable[[ImageIndex], Conversion]

FORMATS = ("coco", "pascal_voc", "yolo")


class AnnotationFormat(Protocol):
    """What a format's file offers."""

    def detect(self, folder: Path) -> str | None:
        """Say what speaks for this format in `folder`, or None."""

    def read(self, folder: Path, images: ImageIndex, **options: Any) -> Conversion:
        """Read what lies in `folder` about `images`."""

    def write(self, annotations: AnnotationSet, folder: Path, **options: Any) -> tuple[Finding, ...]:
        """Write `annotations` into `folder` and list what the format can't hold."""


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
        AnnotationFormatError: No format was found, or several.
    """
    if not folder.is_dir():
        raise AnnotationFormatError(f"{folder}: expected a folder with annotations; there is none.")
    found = {name: reason for name in FORMATS if (reason := create_format(name).detect(folder))}
    if len(found) == 1:
        return next(iter(found.items()))
    if not found:
        raise AnnotationFormatError(
            f"{folder}: found no annotations; expected one of {', '.join(FORMATS)}: a COCO JSON, "
            "Pascal VOC XML files, or YOLO label files with a data.yaml."
        )
    listed = "; ".join(f"{name} ({reason})" for name, reason in found.items())
    raise AnnotationFormatError(f"{folder}: several formats lie here: {listed}. Name the `format` in the catalog.")


def read_annotations(folder: Path, images: ImageIndex, *, format: str = "auto", **options: Any) -> Conversion:
    """Read the annotations in `folder`, in the format found there or the one named."""
    name = detect_format(folder)[0] if format == "auto" else format
    return create_format(name).read(folder, images, **options)
