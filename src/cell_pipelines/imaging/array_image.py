"""An image that is an array in memory, for everything that takes image files."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cell_pipelines.imaging.description import Image, ImageFormatError, ImageInfo
from cell_pipelines.imaging.places import ImagePlace
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.imaging.regions import LargeImage

# An array whose last axis is longer has its channels elsewhere, or is a stack.
_MOST_CHANNELS = 64


@dataclass(frozen=True, eq=False)
class ArrayImage(ImageFile):
    """An array with the interface of `ImageFile`; `path` is the name that errors give it.

    Attributes:
        array: (H, W) or (H, W, C) as a file of it would be read.
    """

    array: Image = field(default_factory=lambda: np.zeros((1, 1), dtype=np.uint8), kw_only=True)

    def __call__(self) -> Image:
        """Return the array."""
        return self.array

    def info(self) -> ImageInfo:
        """Return shape and type."""
        return ImageInfo("YXC"[: self.array.ndim], self.array.shape, self.array.dtype.name)

    def place(self) -> ImagePlace:
        """Return the place of an image that is alone in its file."""
        return ImagePlace((1, 1, 1 if self.array.ndim == 2 else self.array.shape[2]), 0, 0)

    @contextmanager
    def opened(self) -> Iterator[Image | LargeImage]:
        """Give the array, of any size."""
        yield self.array

    def region(self, row: int, column: int, height: int, width: int) -> Image:
        """Return a part of the array."""
        return self.array[row : row + height, column : column + width]

    def signature(self) -> str:
        """Return the hash of the pixels."""
        return f"{self.array.shape}-{self.array.dtype}-{hashlib.sha256(self.array.tobytes()).hexdigest()}"


def array_image(array: object, name: str, channels: tuple[int | str, ...] | None = None) -> ArrayImage:
    """Return an array as an image.

    Args:
        array: (H, W) or (H, W, C), of bool, unsigned integers or floats; whatever NumPy takes for an array.
        name: Name of the image.
        channels: Numbers of the channels that are taken, from 0.

    Raises:
        ImageFormatError: It has another shape or type, or no such channel; the sentence says what would do.
    """
    image = np.asarray(array)
    _check_type(image, name)
    _check_shape(image, name)
    if image.dtype == np.bool_:
        image = image.astype(np.uint8) * np.uint8(255)
    image = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    if channels is not None:
        image = _choose(image, name, channels)
    return ArrayImage(Path(name), array=np.ascontiguousarray(image))


def _check_type(image: Image, name: str) -> None:
    if image.dtype.kind in "bu" or (image.dtype.kind == "f" and image.dtype.itemsize in (4, 8)):
        return
    instead = "" if image.dtype.kind not in "if" else (
        " Convert it with `astype`: to uint8 for values up to 255, to uint16 for those up to 65535, else to float32."
    )  # fmt: skip
    raise ImageFormatError(
        f"{name}: expected an array of uint8, uint16, uint32, float32 or float64, got {image.dtype}.{instead}"
    )


def _check_shape(image: Image, name: str) -> None:
    shape = " x ".join(map(str, image.shape)) or "a single value"
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise ImageFormatError(
            f"{name}: expected an array (rows, columns) or (rows, columns, channels), got {shape}. Give several images "
            "as a list."
        )
    if image.ndim == 3 and image.shape[2] > min(_MOST_CHANNELS, 4 * min(image.shape[:2])):
        raise ImageFormatError(
            f"{name}: expected channels on the last axis, got {shape}. Move them with `numpy.moveaxis(image, 0, -1)`, "
            "or give the planes of a stack as a list."
        )


def _choose(image: Image, name: str, channels: tuple[int | str, ...]) -> Image:
    pixels = image[..., None] if image.ndim == 2 else image
    for channel in channels:
        if not isinstance(channel, int) or not 0 <= channel < pixels.shape[2]:
            raise ImageFormatError(
                f"{name}: `channel` must be a number from 0 to {pixels.shape[2] - 1} for an array, got {channel!r}."
            )
    chosen = pixels[..., [int(channel) for channel in channels]]
    return chosen[..., 0] if len(channels) == 1 else chosen
