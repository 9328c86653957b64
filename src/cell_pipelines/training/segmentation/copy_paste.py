"""Copy cells of a training image into the gaps between others, so that a tile shows more of them."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.training.segmentation.samples import Sample
from cell_pipelines.typing import AnyArray

# Surroundings of a cell that are looked at, and the distance that a pasted cell keeps from others, in pixels.
_MARGIN, _DISTANCE = 3, 2
# Standard deviation of the blended border in pixels.
_BORDER = 1.0
_TRIES = 8


@dataclass(frozen=True)
class Cutout:
    """A cell with its surroundings.

    Attributes:
        category: Its category's place among the label images.
        mask: (h, w), which pixels are its own.
        pixels: (h, w, C) float32, less the mean of the surroundings without cells.
        weights: (h, w).
    """

    category: int
    mask: npt.NDArray[np.bool_]
    pixels: npt.NDArray[np.float32]
    weights: AnyArray


class CutWindow(NamedTuple):
    """Image (H, W, C), labels (K, H, W) int32 and weights (K, H, W) of a part of an image."""

    pixels: AnyArray
    labels: AnyArray
    weights: AnyArray


def list_cells(sample: Sample) -> list[tuple[int, int, slice, slice]]:
    """Return category, label, rows and columns of each cell that no border of the image is near."""
    from scipy import ndimage

    height, width = sample.image.shape[:2]
    return [
        (place, label, slice(rows.start - _MARGIN, rows.stop + _MARGIN),
         slice(columns.start - _MARGIN, columns.stop + _MARGIN))
        for place, plane in enumerate(sample.labels)
        for label, box in enumerate(ndimage.find_objects(plane.astype(np.int32)), start=1)
        if box is not None
        for rows, columns in [box]
        if min(rows.start, columns.start) >= _MARGIN
        and rows.stop + _MARGIN <= height and columns.stop + _MARGIN <= width
    ]  # fmt: skip


def paste_cells(
    window: CutWindow, sample: Sample, cells: list[tuple[int, int, slice, slice]], count: int,
    generator: np.random.Generator,
) -> CutWindow:  # fmt: skip
    """Return a window with cells of its image in its gaps: turned by quarters, with labels of their own.

    A cell is left out where none of eight places drawn at random keeps it clear of all others by two pixels.

    Args:
        window: Part of the image.
        sample: The image.
        cells: Its cells, of `list_cells`.
        count: How many cells are drawn.
        generator: Draws cells, turns and places.
    """
    window = CutWindow(*(part.copy() for part in window))
    for _ in range(count if cells else 0):
        cutout = _cut_out(sample, cells[int(generator.integers(len(cells)))], int(generator.integers(4)))
        if place := _find_gap(window.labels, cutout.mask, generator):
            _blend(window, cutout, place)
    return window


def _cut_out(sample: Sample, cell: tuple[int, int, slice, slice], turns: int) -> Cutout:
    category, label, rows, columns = cell
    labels = sample.labels[:, rows, columns]
    pixels = sample.image[rows, columns].astype(np.float32)
    empty = ~labels.any(axis=0)
    ground = pixels[empty].mean(axis=0) if empty.any() else pixels.min(axis=(0, 1))
    parts = (labels[category] == label, pixels - ground, sample.weights[category, rows, columns])
    return Cutout(category, *(np.ascontiguousarray(np.rot90(part, turns)) for part in parts))


def _find_gap(labels: AnyArray, mask: AnyArray, generator: np.random.Generator) -> tuple[slice, slice] | None:
    """Return where in a window the cell touches no other; None where no such place was drawn."""
    room = [side - length for side, length in zip(labels.shape[1:], mask.shape, strict=True)]
    if min(room) < 0:
        return None
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((2 * _DISTANCE + 1,) * 2, np.uint8)) > 0
    for _ in range(_TRIES):
        first = [int(generator.integers(free + 1)) for free in room]
        rows, columns = (slice(start, start + length) for start, length in zip(first, mask.shape, strict=True))
        if not labels[:, rows, columns][:, wide].any():
            return rows, columns
    return None


def _blend(window: CutWindow, cutout: Cutout, place: tuple[slice, slice]) -> None:
    """Add a cell to a window in place: its light above the ground, its mask under a new label, its weights."""
    there = window.pixels[place].astype(np.float32)
    share = cv2.GaussianBlur(cutout.mask.astype(np.float32), (0, 0), _BORDER)[..., None]
    ground = there[~window.labels[:, *place].any(axis=0)]
    mixed = share * (cutout.pixels + (ground if ground.size else there).mean(axis=0)) + (1 - share) * there
    is_byte = window.pixels.dtype == np.uint8
    window.pixels[place] = np.rint(np.clip(mixed, 0, 255)) if is_byte else np.clip(mixed, 0, 1)
    window.labels[cutout.category, *place][cutout.mask] = int(window.labels.max()) + 1
    window.weights[cutout.category, *place][cutout.mask] = cutout.weights[cutout.mask]
