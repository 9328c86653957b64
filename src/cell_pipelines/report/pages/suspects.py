"""Suspected annotation errors to look at: each one cut out of its image, and the page that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.annotations.schema import AnnotationSet, with_object_columns
from cell_pipelines.annotations.selection import crop
from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.figures.montage import join_panels
from cell_pipelines.report.overlays.display import to_display
from cell_pipelines.report.overlays.instances import draw_objects
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import readable
from cell_pipelines.typing import ByteImage

#: What the colours of a cut-out mean, in the order of the categories' colours.
_SHOWN: Final = ("other labels", "the suspect", "the model's cell")
_SIDE: Final = 240  # pixels on the page
_LEAST: Final = 48  # pixels of the image
_DEFINITIONS: Final = {
    "suspicion": "mean over the models asked, in [0, 1]",
    "missing_label": "models see a cell where no label is; the box is that cell's",
    "spurious_label": "models see nothing where the label is",
    "bad_outline": "models see the cell, and agree that its outline is another",
    "wrong_class": "models see a cell of another class, `suggested`",
    "duplicate_label": "the label lies on `other_label`, and models see one cell there",
    "support": "how much speaks for a cell of any class where the label is, mean over the models",
    "in_training": "the models learned from this image, so they may repeat its errors",
    "label": "place of the label among those of its image, from 0",
}
_IMAGES: Final = {
    "suspicion_sum": "of the suspects of an image; images are ranked by it",
    "worst": "the greatest suspicion of a suspect of the image",
}


def suspect_cards(suspects: pd.DataFrame, images: pd.DataFrame) -> dict[str, str]:
    """Return the numbers at the top of the page."""
    return {
        "Labelled images": str(len(images)),
        "Labels": str(int(images["labels"].sum())),
        "Suspects": str(len(suspects)),
        "Images without suspects": str(int((images["suspects"] == 0).sum())),
    }


def suspect_sections(
    suspects: pd.DataFrame,
    images: pd.DataFrame,
    pictures: Sequence[tuple[str, Image]],
    *,
    models: Sequence[str],
    settings: Mapping[str, Any],
) -> list[Section]:
    """Return the sections of the page.

    Args:
        suspects: The table of suspects.
        images: The table of images.
        pictures: Cut-outs of the first suspects with their captions.
        models: The models that were asked.
        settings: Shown as they are.
    """
    first: list[Item] = [Text(_account(suspects, images, models)), Text(_COLOURS)]
    first += [Picture(picture, caption) for caption, picture in pictures]
    shown = readable(suspects.drop(columns=["model", "prediction"]))
    listed = pd.DataFrame([(key, str(value)) for key, value in settings.items()], columns=["setting", "value"])
    return [
        Section("The most suspicious", first),
        Section("Suspects", [Table(shown, "Every suspect, the most suspicious first", _DEFINITIONS)]),
        Section("Images", [Table(images, "Every image, the one with most to look at first", _IMAGES)]),
        Section("Settings", [Table(listed, "Parameters `suspected_labels` of this run")]),
    ]


_COLOURS: Final = (
    "Left: the image alone. Right: other labels in sky blue, the suspected label in vermillion, what a model sees "
    "there in green."
)


def _account(suspects: pd.DataFrame, images: pd.DataFrame, models: Sequence[str]) -> str:
    learned, known = int(images["in_training"].sum()), int(suspects["in_training"].sum())
    said = f"Models: {', '.join(models)}. A suspicion is no proof: look at each before changing a label."
    if not learned:
        return f"{said} None of these {len(images)} images is a training image."
    return (
        f"{said} The models learned from {learned} of these {len(images)} images and may repeat their errors; "
        f"{known} of {len(suspects)} suspects are in them."
    )


def draw_suspect(image: Image, labels: AnnotationSet, suspect: Mapping[str, Any], found: AnnotationSet) -> ByteImage:
    """Draw a suspect and what is around it, once without and once with outlines.

    Args:
        image: (H, W) or (H, W, C), any depth; stretched for display only.
        labels: The labels of the image.
        suspect: A row of the table of suspects.
        found: What the model sees there, one object in the same image, or none.

    Returns:
        (H', W', 3) uint8 RGB, two panels side by side.
    """
    top, left, height, width = _window(image, suspect)
    parts = _coloured(labels, suspect, found)
    seen = crop(parts, (top, left, height, width), "window", min_visible=0.0)
    factor = max(1, _SIDE // max(height, width))
    plain = to_display(image[top : top + height, left : left + width])
    canvas = np.repeat(np.repeat(plain, factor, axis=0), factor, axis=1)
    kind = str(suspect["kind"]).replace("_", " ")
    caption = f"{int(suspect['rank'])}. {kind} {float(suspect['suspicion']):.2f}"
    return join_panels([(canvas, caption), (draw_objects(canvas, seen, factor=factor), " ")], columns=2)


def _window(image: Image, suspect: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Return the rows and columns around the suspect's box, three times its size."""
    low = np.array([suspect["y_min"], suspect["x_min"]], dtype=np.float64)
    high = np.array([suspect["y_max"], suspect["x_max"]], dtype=np.float64)
    size = np.array(image.shape[:2])
    side = np.minimum(np.ceil(max(_LEAST, 3 * float((high - low).max()))), size).astype(int)
    start = np.clip(np.round((low + high - side) / 2), 0, size - side).astype(int)
    return int(start[0]), int(start[1]), int(side[0]), int(side[1])


def _coloured(labels: AnnotationSet, suspect: Mapping[str, Any], found: AnnotationSet) -> AnnotationSet:
    """Return labels and what was found in one set, with the categories `_SHOWN`."""
    codes = np.zeros(labels.n_objects, dtype=np.int32)
    if pd.notna(suspect["label"]):
        codes[int(suspect["label"])] = 1
    tables = [with_object_columns(labels.objects, category=codes)]
    count = found.n_objects
    moved = with_object_columns(found.objects, image=np.zeros(count, np.int32), category=np.full(count, 2, np.int32))
    # Of objects that overlap, the one with a score lies on top; here the label does.
    tables.append(with_object_columns(moved, score=pa.nulls(count, pa.float32())))
    return replace(labels, objects=pa.concat_tables(tables), categories=_SHOWN)
