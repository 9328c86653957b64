"""Describe what an image file holds, and what to take of it, in the same words for every format."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[Any]
# Row, column, height and width of a part of an image.
Window = tuple[int, int, int, int]

# More pixels than any sensor gives; a file that claims more is damaged or meant to exhaust memory.
MAX_PIXELS = 1 << 29
# Cameras and scanners write a resolution too, of 72 to 2400 dots an inch; a microscope's pixel is smaller than this.
MAX_PIXEL_UM = 10.0
# Planes, channels and scenes beyond this are a damaged header.
MAX_PLANES = 1 << 22


class ImageFormatError(ValueError):
    """A file that isn't the image it should be; the sentence names the file."""


@dataclass(frozen=True)
class ImageInfo:
    """One image of a file, known from the header alone.

    Attributes:
        axes: Letters of the axes that are longer than 1, and Y and X always, in the order T, Z, Q, C, Y, X, S: time,
            depth, pages of which the file doesn't say what they are, channels that lie apart, rows, columns,
            samples of one pixel. Of what a selection gives, it is YX or YXC.
        shape: Their lengths.
        dtype: Name of the pixels' NumPy type, in this machine's byte order.
        channel_names: One name per channel, or none where the file names none.
        pixel_size_um: Height and width of a pixel, where the file tells and both are smaller than `MAX_PIXEL_UM`.
        z_step_um: Distance of two planes of a stack, where the file tells.
        scene: The image's name in a file of several.
        orientation: The camera's mark (EXIF, 1 to 8) by which a picture is turned when it is read; 1 for none.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: str
    channel_names: tuple[str, ...] = ()
    pixel_size_um: tuple[float, float] | None = None
    z_step_um: float | None = None
    scene: str = ""
    orientation: int = 1

    def length(self, axis: str) -> int:
        """Return the length of an axis; 1 where there is none."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.length("Y")

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.length("X")

    @property
    def channels(self) -> int:
        """Number of channels, whether they lie apart or are samples of one pixel."""
        return self.length("C") * self.length("S")


@dataclass(frozen=True)
class ImageSelection:
    """Selection of a part of a file; None stands for the only one there is.

    Attributes:
        channels: Names, in any case, or numbers from 0, in the order wanted; None takes all.
        z: Number of a plane from 0, or ``max`` or ``mean`` over all planes; a mean is rounded to the file's dtype.
            ``each`` makes an image of every plane where a folder is listed.
        time: Number of a time point from 0; ``each`` makes an image of every one where a folder is listed.
        scene: Name or number from 0 of one of several images in a file.
    """

    channels: tuple[str | int, ...] | None = None
    z: int | Literal["max", "mean", "each"] | None = None
    time: int | Literal["each"] | None = None
    scene: int | str | None = None

    def __post_init__(self) -> None:
        """Check the kinds; whether there is such a channel is known only with the file."""
        channels = self.channels
        if channels is not None and (
            not isinstance(channels, tuple) or not channels or not all(_is_number(c) or _is_name(c) for c in channels)
        ):
            raise ValueError(f"`channels` must be names or numbers from 0, at least one, got {channels!r}.")
        if self.z is not None and self.z not in ("max", "mean", "each") and not _is_number(self.z):
            raise ValueError(f"`z` must be a number from 0, max, mean or each, got {self.z!r}.")
        if self.time is not None and self.time != "each" and not _is_number(self.time):
            raise ValueError(f"`time` must be a number from 0 or each, got {self.time!r}.")
        if self.scene is not None and not (_is_number(self.scene) or _is_name(self.scene)):
            raise ValueError(f"`scene` must be a name or a number from 0, got {self.scene!r}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


@dataclass(frozen=True)
class Plane:
    """Position of one plane in a file: numbers of scene, time point, depth, unnamed page and channel."""

    scene: int
    t: int = 0
    z: int = 0
    q: int = 0
    c: int = 0


class Source(Protocol):
    """An open image file."""

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The images in the file."""

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return one plane, or a part of it that lies inside, as (H, W) or (H, W, samples)."""

    def band_rows(self, scene: int) -> int:
        """Return after how many rows the pieces repeat in which the pixels are stored."""

    def close(self) -> None:
        """Close the file."""


def describe(
    lengths: dict[str, int],
    dtype: Any,
    *,
    names: tuple[str, ...] = (),
    colour: bool = False,
    pixel_size_um: tuple[float, float] | None = None,
    z_step_um: float | None = None,
    scene: str = "",
) -> ImageInfo:
    """Return the description of an image from the lengths of its axes, whatever their order.

    Args:
        lengths: Length by letter; Y and X must be among them.
        dtype: Type of the pixels.
        names: Names of the channels C, or of the samples S where there is one channel; a wrong number is left out.
        colour: Whether three samples are red, green and blue.
        pixel_size_um: As in `ImageInfo`.
        z_step_um: As in `ImageInfo`.
        scene: As in `ImageInfo`.

    Raises:
        ValueError: A length is not positive, or there are more planes than any microscope takes.
    """
    lengths = {axis: int(lengths[axis]) for axis in "TZQCYXS" if axis in lengths}
    if min(lengths.values()) < 1:
        raise ValueError(f"the header says {lengths}; each length must be positive")
    planes = int(np.prod([n for axis, n in lengths.items() if axis not in "YX"], dtype=object))
    if planes > MAX_PLANES:
        raise ValueError(f"the header claims {planes} planes; at most {MAX_PLANES} are read")
    kept = {axis: n for axis, n in lengths.items() if n > 1 or axis in "YX"}
    axes, shape = "".join(kept), tuple(kept.values())
    channel_names = _channel_names(names, kept.get("C", 1), kept.get("S", 1), colour=colour)
    native = np.dtype(dtype).newbyteorder("=").name
    if pixel_size_um is not None and max(pixel_size_um) >= MAX_PIXEL_UM:
        pixel_size_um = None
    return ImageInfo(axes, shape, native, channel_names, pixel_size_um, z_step_um, scene)


def _channel_names(names: tuple[str, ...], channels: int, samples: int, *, colour: bool) -> tuple[str, ...]:
    apart = names if len(names) == channels and any(names) else ()
    apart = tuple(name or f"channel {i}" for i, name in enumerate(apart))
    if samples == 1:
        return apart
    primary = ("red", "green", "blue") if colour and samples == 3 else tuple(f"sample {i}" for i in range(samples))
    if channels == 1:
        return names if len(names) == samples and all(names) else primary if colour and samples == 3 else ()
    return tuple(f"{name} {sample}" for name in apart for sample in primary)
