"""The diameter of an image's cells, estimated by the network that is to find them.

A network that learned cells of one diameter finds smaller ones too, and measures them small. So a part of the image is
shown to it at scales from coarse to fine, as if cells were 180 pixels, then less: what it finds has a diameter below
the known one until the scale is right. Beyond that scale it finds pieces of cells, of about the known diameter.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.description import MAX_PIXELS, ImageFormatError
from cell_pipelines.inference.blocks import BlockPixels
from cell_pipelines.inference.rescaling import PixelSource, RescaledPixels
from cell_pipelines.inference.tiles import Window
from cell_pipelines.representations.base import Instances

#: Returns the cells that a network finds in pixels, one entry for each category.
Find = Callable[[PixelSource], Sequence[Instances]]

#: Mean score of cells of the diameter that a network learned, where its model file does not say it: the starter's.
USUAL_SCORE: Final = 0.9375
#: A diameter in pixels, or ``auto`` for one that is estimated.
Wanted = float | Literal["auto"]

# Diameters in pixels that are tried, coarse to fine; neighbours differ by less than the network is robust to.
_TRIED: Final = (180.0, 120.0, 80.0, 54.0, 36.0, 24.0, 16.0, 10.5, 7.0)
# Side of the part that is looked at, in diameters that are tried.
_PART_DIAMETERS: Final = 16
# Fewer cells tell no typical size where a finer scale shows more.
_LEAST_CELLS: Final = 3
# Shares of the mean score that cells of the known diameter have: from the first no other scale is looked at, and below
# the second what is found is noise or a crowd taken for a cell.
_SURE, _LEAST = 0.96, 0.875
_OVERVIEW_PX: Final = 256
# Images are magnified up to the first of these whatever their size, and up to the second at all.
_EASY_FACTOR, _MOST_FACTOR = 4.0, 16.0
# Cells are at most so many times as large as the image.
_MOST_SIDES: Final = 4.0


@dataclass(frozen=True)
class _Try:
    """Cells that were found as if they had `diameter_px`.

    Attributes:
        diameter_px: The diameter in the image that was tried.
        cells: How many were found.
        ratio: Their median diameter relative to the known one.
        score: Their mean score.
    """

    diameter_px: float
    cells: int
    ratio: float
    score: float


def estimate_diameter(
    pixels: PixelSource, known_px: float, find: Find, usual_score: float = USUAL_SCORE
) -> float | None:
    """Return the typical diameter of the cells of an image in its pixels; None where no scale shows cells surely.

    It lies where cells grow beyond the known diameter from one scale to the next finer one. At scales far too coarse a
    crowd may look like a cell, and at scales far too fine noise does, of which the network is less sure: scales with a
    mean score below seven eighths of the usual one tell nothing, and of several such places the surest is taken.

    Args:
        pixels: The image.
        known_px: Diameter of the cells that the network learned from.
        find: Finds cells with it.
        usual_score: Mean score of cells that have the known diameter, in (0, 1].
    """
    least, sure = _LEAST * usual_score, _SURE * usual_score
    overview = _overview(pixels)
    before: _Try | None = None
    crossings: list[tuple[float, float]] = []
    for diameter in _TRIED:
        now = _try(pixels, overview, diameter, known_px, find)
        if not now.cells or now.score < least:
            continue
        if now.ratio >= 1 and (before is None or before.ratio < 1):
            few = now.cells < _LEAST_CELLS
            crossings.append((now.score - few, _between(before, now)))
            if not few and now.score >= sure:
                break
        before = now
    if crossings:
        return max(crossings)[1]
    return None if before is None else before.diameter_px * before.ratio


def _between(before: _Try | None, now: _Try) -> float:
    """Return the diameter at which the ratio is 1, between a coarser scale where it is less and one where it isn't."""
    if before is None:
        return now.diameter_px * now.ratio
    low, high = math.log(before.ratio), math.log(now.ratio)
    share = -low / (high - low)
    return float(before.diameter_px * (now.diameter_px / before.diameter_px) ** share)


def _try(pixels: PixelSource, overview: npt.NDArray[np.float32], diameter: float, known_px: float, find: Find) -> _Try:
    part = BlockPixels(pixels, _busiest_window(overview, pixels.shape, math.ceil(_PART_DIAMETERS * diameter)))
    found = find(RescaledPixels(part, known_px / diameter))
    areas = np.concatenate([_whole_areas(one.labels) for one in found])
    if not len(areas):
        areas = np.concatenate([np.bincount(one.labels.ravel())[1:] for one in found])
    if not len(areas):
        return _Try(diameter, 0, 0.0, 0.0)
    ratio = float(2 * np.sqrt(np.median(areas) / np.pi) / known_px)
    return _Try(diameter, len(areas), ratio, float(np.concatenate([one.scores for one in found]).mean()))


def _whole_areas(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return the areas of the cells that no border of the part cuts."""
    areas = np.bincount(labels.ravel())
    areas[np.concatenate([[0], labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = 0
    return areas[areas > 0]


def _overview(pixels: PixelSource) -> npt.NDArray[np.float32]:
    """Return where an image is busy: how far each pixel of a small copy of it is from its surroundings, (h, w)."""
    small = RescaledPixels(pixels, min(1.0, _OVERVIEW_PX / max(pixels.shape)))
    grey = small.read((0, 0, *small.shape)).mean(axis=2)
    around = cv2.blur(grey, (15, 15), borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.abs(cv2.GaussianBlur(grey, (0, 0), 1.0) - around), dtype=np.float32)


def _busiest_window(overview: npt.NDArray[np.float32], shape: tuple[int, int], side: int) -> Window:
    """Return the window of at most `side` pixels each way, in an image of `shape`, in which most is to be seen."""
    height, width = (min(side, size) for size in shape)
    rows, columns = (seen / size for seen, size in zip(overview.shape, shape, strict=True))
    kernel = (max(round(width * columns), 1), max(round(height * rows), 1))
    sums = cv2.boxFilter(overview, -1, kernel, normalize=False, borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(sums.argmax()), sums.shape)
    top = int(np.clip(row / rows - height / 2, 0, shape[0] - height))
    left = int(np.clip(column / columns - width / 2, 0, shape[1] - width))
    return top, left, height, width


@dataclass(frozen=True)
class Diameter:
    """The diameter of an image's cells by which it was rescaled.

    Attributes:
        px: In the image's pixels; None where it could not be estimated, so that the image was taken as it is.
        origin: Whether it was given or estimated.
    """

    px: float | None
    origin: Literal["given", "estimated"]

    def factor(self, known_px: float) -> float:
        """Return the magnification at which cells have the diameter that the network knows."""
        return 1.0 if self.px is None else known_px / self.px


def choose_diameter(
    pixels: PixelSource, wanted: Wanted, known_px: float, find: Find, usual_score: float = USUAL_SCORE
) -> Diameter:
    """Return the diameter that was given, or for ``auto`` the one of `estimate_diameter`.

    Raises:
        ImageFormatError: Cells of the diameter that was given can't be seen in an image of this size.
    """
    if wanted == "auto":
        return Diameter(estimate_diameter(pixels, known_px, find, usual_score), "estimated")
    _check_given(float(wanted), pixels.shape, known_px)
    return Diameter(float(wanted), "given")


def _check_given(diameter: float, shape: tuple[int, int], known_px: float) -> None:
    """Refuse a diameter by which an image would be magnified beyond all memory, or shrunk to nothing."""
    height, width = shape
    factor = known_px / diameter
    if factor > _MOST_FACTOR or (factor > _EASY_FACTOR and height * width * factor**2 > MAX_PIXELS):
        raise ImageFormatError(
            f"cells of {diameter:.3g} pixels are too small for this model: it would have to see the image of "
            f"{width} x {height} pixels {factor:.3g} times as large; give the diameter of a cell in pixels."
        )
    if diameter > _MOST_SIDES * max(height, width):
        raise ImageFormatError(
            f"a cell of {diameter:.3g} pixels does not fit into the image of {width} x {height} pixels; give the "
            "diameter of a cell in pixels."
        )


def check_diameter(checkpoint: Path, wanted: Wanted | None, known_px: float | None) -> Wanted | None:
    """Return the diameter that a model is told; None for a model that sees images as they are.

    Raises:
        ValueError: Such a model is told one, or it isn't above 0 and finite.
    """
    if known_px is None:
        if wanted is not None:
            raise ValueError(
                f"{checkpoint}: this model sees images as they are, so the diameter of cells tells it nothing; leave "
                f"`diameter_px` out, got {wanted}."
            )
        return None
    if wanted is None or wanted == "auto":
        return "auto"
    if not 0 < wanted < math.inf:
        raise ValueError(f"`diameter_px` must be finite and above 0, or auto, got {wanted}.")
    return wanted
