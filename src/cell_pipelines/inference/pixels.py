"""The pixels of an image, or of one larger than memory, as a network takes them: window by window."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.image_statistics import ImageStatistics, count_differing_channels, measure_image
from cell_pipelines.imaging.intensity import (
    Colour,
    Normalisation,
    limits_of_bands,
    to_colour,
    to_rgb,
    to_uint8,
    to_unit,
)
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.tiles import Window

logger = logging.getLogger(__name__)


class UnitPixels:
    """An image whose windows come as (h, w, channels) float32 in [0, 1], as in training.

    Args:
        image: (H, W) or (H, W, C) of any depth; of one that `open_region_reader` opened only what is asked for is read.
            Pixels that are no finite number become 0, as in training.
        colour: Channels that the network takes, as in `to_colour`.
        normalisation: As in `to_unit`; percentiles are those of the whole image.

    Raises:
        ValueError: The image isn't (H, W) or (H, W, C), has no pixels, or is deeper than `normalisation` allows.
    """

    def __init__(
        self, image: Image | LargeImage, *, colour: Colour = "rgb", normalisation: Normalisation = "full_range"
    ) -> None:
        if len(image.shape) not in (2, 3) or 0 in image.shape:
            raise ValueError(f"`image` must be (H, W) or (H, W, C) with pixels, got shape {tuple(image.shape)}.")
        self._image, self._colour, self._normalisation = image, colour, normalisation
        self.shape: tuple[int, int] = (image.shape[0], image.shape[1])
        if isinstance(image, np.ndarray) and (broken := count_broken(image)):
            logger.warning("%d values are no finite numbers; they are set to 0.", broken)
        self._limits = limits_of_bands(self._bands(), self.shape, image.dtype, normalisation)

    @property
    def channels(self) -> int:
        """Channels that the network is given."""
        return int(self.read((0, 0, 1, 1)).shape[2])

    def read(self, window: Window) -> npt.NDArray[np.float32]:
        """Return a window (row, column, height, width) of the image as (height, width, channels)."""
        part = self._coloured(read_part(self._image, window))
        return to_unit(part, self._normalisation, limits=self._limits)

    def statistics(self) -> ImageStatistics:
        """Return how dark, bright and noisy the image is, as the network sees it."""
        found = measure_image(self._image, self._limits)
        return (
            replace(found, differing_channels=count_differing_channels(self._image))
            if self._colour == "grey"
            else found
        )

    def _bands(self) -> Iterator[tuple[int, Image]]:
        return ((row, self._coloured(band)) for row, band in _bands(self._image))

    def _coloured(self, part: Image) -> Image:
        if part.dtype.kind == "f":
            part = np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)
        return to_colour(part, self._colour)


class ColourPixels:
    """An image whose windows come as (h, w, 3) uint8, scaled by the limits of the whole image.

    Args:
        image: (H, W) or (H, W, C) of any depth, or one that `open_region_reader` opened.
        normalisation: As in `to_uint8`.
    """

    def __init__(self, image: Image | LargeImage, normalisation: Normalisation) -> None:
        self._image, self._normalisation = image, normalisation
        self.shape: tuple[int, int] = (image.shape[0], image.shape[1])
        self._limits = limits_of_bands(_bands(image), self.shape, image.dtype, normalisation)

    def read(self, window: Window) -> npt.NDArray[np.uint8]:
        """Return a window (row, column, height, width) of the image as (height, width, 3)."""
        part = read_part(self._image, window)
        narrow: npt.NDArray[np.uint8] = to_rgb(to_uint8(part, normalisation=self._normalisation, limits=self._limits))
        return narrow

    def statistics(self) -> ImageStatistics:
        """Return how dark, bright and noisy the image is, as the network sees it."""
        return measure_image(self._image, self._limits)


def trained_normalisation(record: Mapping[str, Any], family: str) -> Normalisation:
    """Return how a model's images were scaled in training, as its file says.

    Args:
        record: What stands in the model file; empty for one of Ultralytics' own.
        family: ``yolo`` or ``segmentation``.

    Returns:
        The name that stands there. YOLO files of before 8 bits were scaled, and those from elsewhere, learned from 8
        bits as they are: ``percentile_above_8_bit``. Networks that say nothing were trained on the full range.
    """
    if family != "yolo":
        return _known(record.get("normalisation", "full_range"))
    stored = record.get("normalisation", "percentile")
    return "percentile_above_8_bit" if stored == "percentile" and not record.get("scales_8_bit") else _known(stored)


def _known(name: str) -> Normalisation:
    for known in get_args(Normalisation):
        if name == known:
            return cast(Normalisation, known)
    raise ValueError(
        f"the model file names the normalisation {name!r}; this version knows {', '.join(get_args(Normalisation))}."
    )


def read_part(image: Image | LargeImage, window: Window) -> Image:
    """Return a window (row, column, height, width) of an image; a view of one in memory."""
    row, column, height, width = window
    if isinstance(image, LargeImage):
        return image.read(row, column, height, width)
    return image[row : row + height, column : column + width]


def _bands(image: Image | LargeImage) -> Iterable[tuple[int, Image]]:
    return image.bands() if isinstance(image, LargeImage) else [(0, image)]


def count_broken(image: Image) -> int:
    """Return how many values of an image are no finite numbers."""
    return int(np.count_nonzero(~np.isfinite(image))) if image.dtype.kind == "f" else 0
