"""The page of the next images: the first ones with the cells proposed in them, and the whole ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.figures.montage import join_panels
from cell_pipelines.report.overlays.display import enlarge, to_display
from cell_pipelines.report.overlays.instances import draw_objects
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import readable
from cell_pipelines.report.palette import BACKGROUND
from cell_pipelines.typing import ByteImage

_TILE: Final = 360  # pixels
_LONGEST_NAME: Final = 22  # letters
_DEFINITIONS: Final = {
    "rank": "in which order to annotate",
    "gain": "weighted mean of the image's ranks in the four parts, in (0, 1); higher is more worth annotating",
    "disagreement": "1 - F1 of two models' cells matched one to one at the IoU of the settings, mean over all pairs",
    "count_spread": "standard deviation of the models' counts / (their mean + 1)",
    "uncertainty": "entropy of pixels near cells, or of objects around the threshold, over the model's mean of all "
    "images; mean over models",
    "novelty": "how far the density lies outside of the 5 to 95 % range of training images, in widths of it (log axis)",
    "likeness": "to the most similar image ranked before: 1 for a copy",
    "cells": "median over the models",
}


def next_images_cards(table: pd.DataFrame, cells: AnnotationSet) -> dict[str, str]:
    """Return the numbers at the top of the page."""
    ranked = table["rank"].notna()
    failed = int((~ranked).sum())
    return {
        "Images ranked": str(int(ranked.sum())),
        "Images exported": str(cells.n_images),
        "Proposed cells": str(cells.n_objects),
        **({"Images that could not be read": str(failed)} if failed else {}),
    }


def next_images_sections(
    table: pd.DataFrame, sheet: ByteImage | None, *, models: Sequence[str], views: int, parameters: Mapping[str, Any]
) -> list[Section]:
    """Return the sections of the page.

    Args:
        table: The ranking.
        sheet: The first images side by side; None where there are none.
        models: The models that were asked.
        views: On how many turned views a single model was compared with itself.
        parameters: Settings, shown as they are.
    """
    first: list[Item] = [Text(f"{_account(models, views)} {_order(float(parameters['diversity']))}")]
    if sheet is not None:
        first.append(Picture(sheet, "The first images by rank, with the cells that are proposed for correction"))
    reasons = readable(table[["rank", "image", "gain", "reason", "error"]])
    numbers = readable(table.drop(columns=["height", "width", "reason", "error"]))
    settings = pd.DataFrame([(key, str(value)) for key, value in parameters.items()], columns=["setting", "value"])
    return [
        Section("The next images", first),
        Section("Ranking", [Table(reasons, "Every image, the one to annotate next first")]),
        Section("Numbers", [Table(numbers, "What the ranking is made of", _DEFINITIONS)]),
        Section("Settings", [Table(settings, "Parameters `next_images` of this run")]),
    ]


def proposal_sheet(
    cells: AnnotationSet, read: Callable[[str], Image], table: pd.DataFrame, *, most: int = 12
) -> ByteImage | None:
    """Draw the first images of a ranking side by side.

    Args:
        cells: The first images with their proposed cells, in the order of the ranking.
        read: Gives an image by its name.
        table: The ranking.
        most: Images that are shown at most.

    Returns:
        (H, W, 3) uint8 RGB; None where there is no image.
    """
    gains = table.set_index("image")[["rank", "gain"]]
    panels = []
    for _, one in zip(range(most), iterate_images(cells), strict=False):
        name = one.names[0]
        rank, gain = int(gains["rank"][name]), float(gains["gain"][name])
        short = name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"
        panels.append((_fitted(read(name), one), f"{rank}. {short}: gain {gain:.2f}"))
    return join_panels(panels, columns=4) if panels else None


def _order(diversity: float) -> str:
    if not diversity:
        return "Images are ranked by gain alone."
    return (
        "Next is always the image with the greatest gain x (1 - "
        f"{diversity:g} x likeness to the most similar image ranked before); so a lower gain may come first."
    )


def _account(models: Sequence[str], views: int) -> str:
    asked = f"Models: {', '.join(models)}."
    if len(models) > 1:
        return asked
    if not views:
        return f"{asked} There is one model, and no view of the images was asked for, so disagreement is not available."
    return f"{asked} There is one model, so disagreement is that with itself on {views} turned or mirrored views."


def _fitted(image: Image, cells: AnnotationSet) -> ByteImage:
    """Return an image with its cells, brought to the size of a tile and padded."""
    import cv2

    canvas, factor = enlarge(to_display(image))
    drawn = draw_objects(canvas, cells, factor=factor)
    scale = _TILE / max(drawn.shape[:2])
    size = max(1, round(drawn.shape[1] * scale)), max(1, round(drawn.shape[0] * scale))
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    tile = np.full((_TILE, _TILE, 3), BACKGROUND, dtype=np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile
