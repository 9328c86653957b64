"""Images as a network sees them that knows cells of one diameter: read window by window at another scale."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.inference.tiles import Window
from cell_pipelines.representations.cell_resizing import read_between
from cell_pipelines.typing import Float32Array

# Pixels of the image that are held at once while a window is read.
_MOST_PIXELS = 1 << 24


class PixelSource(Protocol):
    """An image whose windows come as (h, w, channels) float32 in [0, 1]."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    @property
    def channels(self) -> int:
        """Channels that the network is given."""

    def read(self, window: Window) -> npt.NDArray[np.float32]:
        """Return a window (row, column, height, width) as (height, width, channels)."""
        ...


@dataclass(frozen=True, eq=False)
class RescaledPixels:
    """An image at another scale, of which only what is asked for is read.

    Where it shrinks, it is blurred first by a Gaussian with the variance of the mean over the pixels that become one;
    then pixels are read linearly between their neighbours. A pixel's value doesn't depend on the window it is read in,
    but for rounding.

    Attributes:
        pixels: The image.
        factor: Magnification; below 1 the image shrinks.
    """

    pixels: PixelSource
    factor: float

    def __post_init__(self) -> None:
        if not 0 < self.factor < math.inf:
            raise ValueError(f"`factor` must be finite and above 0, got {self.factor}.")

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Height and width at the other scale, at least 1."""
        height, width = self.pixels.shape
        return max(round(height * self.factor), 1), max(round(width * self.factor), 1)

    @property
    def channels(self) -> int:
        """Channels that the network is given."""
        return self.pixels.channels

    def read(self, window: Window) -> npt.NDArray[np.float32]:
        """Return a window (row, column, height, width), in pixels of this scale, as (height, width, channels)."""
        row, column, height, width = window
        columns = self._places(column, width, axis=1)
        wide = (int(columns[-1]) - int(columns[0]) + 2) * self.channels
        rows = max(1, int(_MOST_PIXELS / wide * self.factor))
        parts = [self._read_rows(top, min(rows, row + height - top), columns) for top in range(row, row + height, rows)]
        return np.concatenate(parts)

    def _places(self, start: int, count: int, *, axis: int) -> npt.NDArray[np.float64]:
        """Return where in the image the centres of `count` pixels lie, in pixels from the first one's centre."""
        own, seen = self.pixels.shape[axis], self.shape[axis]
        return np.clip((np.arange(start, start + count) + 0.5) * (own / seen) - 0.5, 0, own - 1)

    def _read_rows(self, row: int, height: int, columns: npt.NDArray[np.float64]) -> Float32Array:
        rows = self._places(row, height, axis=0)
        sigma = math.sqrt(max(self.factor**-2 - 1, 0) / 12)
        reach = math.ceil(4 * sigma) + 1
        spans = [
            self._span(places, reach, size) for places, size in zip((rows, columns), self.pixels.shape, strict=True)
        ]
        (top, tall), (left, wide) = spans
        part = self.pixels.read((top, left, tall, wide))
        if sigma > 0:
            part = np.stack(list(_blurred(part, sigma)), axis=-1)
        return read_between(read_between(part, rows - top, axis=0), columns - left, axis=1)

    @staticmethod
    def _span(places: npt.NDArray[np.float64], reach: int, size: int) -> tuple[int, int]:
        first = max(math.floor(places[0]) - reach, 0)
        return first, min(math.ceil(places[-1]) + reach + 1, size) - first


def _blurred(part: Float32Array, sigma: float) -> Iterator[Float32Array]:
    for channel in range(part.shape[2]):
        plane = np.ascontiguousarray(part[..., channel])
        yield np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), dtype=np.float32)
