"""Bringing intensities to 8 bit or to [0, 1], when asked, and channels to those that a network expects."""

import math
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.description import Image

Normalisation = Literal["none", "full_range", "percentile", "percentile_above_8_bit", "percentile_1_to_99_8"]
Colour = Literal["rgb", "grey", "channels"]
# Of larger images still fewer pixels are taken.
_MOST_SAMPLES = 1 << 24
# StarDist's own scaling takes all pixels and cuts nothing.
_UNCUT = "percentile_1_to_99_8"


def to_uint8(
    image: Image,
    *,
    normalisation: Normalisation = "percentile_above_8_bit",
    per_channel: bool = False,
    limits: tuple[float, float] | None = None,
) -> npt.NDArray[np.uint8]:
    """Return an image with 8 bits a channel; an 8-bit image comes back as it is, but for ``percentile``.

    Args:
        image: (H, W) or (H, W, C), unsigned integer or float.
        normalisation: How intensities are scaled. ``full_range``: by the dtype's whole range, or [0, 1] for floats.
            ``percentile``: by the image's own 0.1 to 99.9 percent, whatever its type, so that the same scene gives
            the same picture in 8, 12 or 16 bits and as floats. ``percentile_above_8_bit``: likewise, but 8 bits stay
            as they are; for display. ``none``: not at all, so deeper images are refused. NaN becomes 0.
        per_channel: Whether percentiles are of each channel by itself, so that a dim stain is seen beside a
            bright one; otherwise one scale serves all, which keeps colours.
        limits: Intensities of 0 and 255 in place of the image's own; for a part of an image, see `intensity_limits`.

    Raises:
        ValueError: The image has more than 8 bits and `normalisation` is ``none``.
    """
    if image.dtype == np.uint8 and normalisation not in ("percentile", _UNCUT):
        return image
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * np.uint8(255)
    if normalisation == "none":
        raise ValueError(f"`normalisation` is none, so the image must have 8 bits, got {image.dtype}.")
    if per_channel and normalisation.startswith("percentile") and image.ndim == 3 and limits is None:
        channels = range(image.shape[2])
        return np.stack([to_uint8(image[..., c], normalisation=normalisation) for c in channels], axis=-1)
    low, high = limits or intensity_limits(image, normalisation)
    # float32 keeps 24 bits, more than any camera gives, at half the memory.
    scaled = (image.astype(np.float32) - np.float32(low)) * np.float32(255.0 / max(high - low, 1e-12))
    narrow: npt.NDArray[np.uint8] = np.clip(np.rint(np.nan_to_num(scaled)), 0, 255).astype(np.uint8)
    return narrow


def intensity_limits(image: Image, normalisation: Normalisation) -> tuple[float, float]:
    """Return the intensities that become 0 and 1 (or 255); a part of an image may be scaled by those of the whole.

    Args:
        image: (H, W) or (H, W, C), unsigned integer or float.
        normalisation: As in `to_unit`.
    """
    return limits_of_bands([(0, image)], image.shape[:2], image.dtype, normalisation)


def limits_of_bands(
    bands: Iterable[tuple[int, Image]], size: tuple[int, ...], dtype: Any, normalisation: Normalisation
) -> tuple[float, float]:
    """Return `intensity_limits` of an image that comes in bands of rows, which need not be in memory at once.

    Args:
        bands: Each band with its first row; none is looked at unless percentiles are asked for.
        size: Height and width of the whole image.
        dtype: Type of its pixels.
        normalisation: As in `to_unit`.
    """
    kept = normalisation == "percentile_above_8_bit" and np.dtype(dtype) == np.uint8
    if kept or np.dtype(dtype) == np.bool_ or not normalisation.startswith("percentile"):
        return (0.0, 1.0) if np.dtype(dtype).kind in "fb" else (0.0, float(np.iinfo(dtype).max))
    # Every 4th pixel each way tells the percentiles of a large image as well as all of them.
    n_pixels = size[0] * size[1]
    step = 4 if n_pixels > (1 << 26 if normalisation == _UNCUT else 1 << 20) else 1
    step = max(step, math.isqrt(n_pixels // _MOST_SAMPLES))
    # Only copies let go of the bands.
    samples = [_finite(band[-row % step :: step, ::step]) for row, band in bands]
    finite = np.concatenate(samples)
    shares = (1, 99.8) if normalisation == _UNCUT else (0.1, 99.9)
    low, high = np.percentile(finite, shares) if finite.size else (0.0, 1.0)
    return float(low), float(high)


def _finite(sample: Image) -> npt.NDArray[Any]:
    return sample[np.isfinite(sample)]


def to_unit(
    image: Image, normalisation: Normalisation = "full_range", *, limits: tuple[float, float] | None = None
) -> npt.NDArray[np.float32]:
    """Return an image as (H, W, C) float32 in [0, 1] with all its depth; (H, W) becomes (H, W, 1).

    Args:
        image: (H, W) or (H, W, C), bool, integer or float. NaN becomes 0, so count it before, where it matters;
            what lies beyond the limits is cut.
        normalisation: ``full_range``: the dtype's whole range, so 8 bits are divided by 255, or [0, 1] for floats.
            ``percentile``: the image's own 0.1 to 99.9 percent, of 8 bits, too; a constant image becomes 0.
            ``percentile_above_8_bit``: likewise, but 8 bits are divided by 255. ``percentile_1_to_99_8``: the
            image's own 1 to 99.8 percent, and what lies beyond is not cut, as StarDist has it; an image that these
            do not distinguish becomes 0. ``none``: 8 bits divided by 255, and deeper images refused.
        limits: Intensities of 0 and 1 in place of the image's own; for a part of an image, see `intensity_limits`.

    Raises:
        ValueError: The image has more than 8 bits and `normalisation` is ``none``.
    """
    pixels = image[..., None] if image.ndim == 2 else image
    if image.dtype == np.bool_:
        return pixels.astype(np.float32)
    if normalisation == "none" and image.dtype != np.uint8:
        raise ValueError(f"`normalisation` is none, so the image must have 8 bits, got {image.dtype}.")
    low, high = limits or intensity_limits(image, normalisation)
    if normalisation == _UNCUT and high <= low:
        return np.zeros(pixels.shape, np.float32)
    if low == 0 and image.dtype.kind == "u" and high == np.iinfo(image.dtype).max:
        return np.divide(pixels, np.float32(high), dtype=np.float32)
    # float32 would round the differences of large numbers away.
    work = np.float32 if image.dtype.itemsize <= 2 or image.dtype == np.float32 else np.float64
    scaled: npt.NDArray[Any] = np.subtract(pixels, work(low), dtype=work)
    scaled /= work(max(high - low, 1e-12))
    np.nan_to_num(scaled, copy=False, nan=0, posinf=1, neginf=0)
    if normalisation == _UNCUT:
        return scaled.astype(np.float32, copy=False)
    unit: npt.NDArray[np.float32] = np.clip(scaled, 0, 1, out=scaled).astype(np.float32, copy=False)
    return unit


def to_colour(image: Image, colour: Colour) -> Image:
    """Return (H, W, C) with the channels that a network learns from, in the image's dtype.

    It comes before any scaling, so that percentiles are those of what the network sees: ``to_unit(to_colour(...))``.

    Args:
        image: (H, W) or (H, W, C) of any dtype.
        colour: ``rgb``: three channels as in `to_rgb`, so alpha is left out. ``grey``: the mean of all channels,
            rounded for integers; not the luminance that an eye sees, which would keep a tenth of a blue stain.
            ``channels``: all of them as they are.
    """
    if colour == "rgb":
        return to_rgb(image)
    pixels = image[..., None] if image.ndim == 2 else image
    if colour == "channels" or pixels.shape[2] == 1:
        return pixels
    work = np.float32 if image.dtype.itemsize <= 2 or image.dtype == np.float32 else np.float64
    mean = pixels.mean(axis=2, keepdims=True, dtype=work)
    grey: Image = mean if image.dtype.kind == "f" else np.rint(mean)
    return grey.astype(image.dtype, copy=False)


def to_rgb(image: Image) -> Image:
    """Return (H, W, 3): grey repeated, two channels filled with zeros, more than three cut to the first three."""
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 2:
        return np.concatenate([image, np.zeros_like(image[..., :1])], axis=2)
    return image[..., :3]
