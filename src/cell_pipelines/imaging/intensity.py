"""Bringing intensities to 8 bit, when asked, and to the three channels that pretrained networks expect."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.description import Image

Normalisation = Literal["none", "full_range", "percentile"]


def to_uint8(
    image: Image, *, normalisation: Normalisation = "percentile", per_channel: bool = False
) -> npt.NDArray[np.uint8]:
    """Return an image with 8 bits a channel; an 8-bit image comes back as it is.

    Args:
        image: (H, W) or (H, W, C), unsigned integer or float.
        normalisation: How more than 8 bits are scaled. ``full_range``: the dtype's whole range, or [0, 1] for
            floats. ``percentile``: the image's own 0.1 to 99.9 percent. ``none``: not at all, so deeper images
            are refused. NaN becomes 0.
        per_channel: Whether ``percentile`` takes each channel by itself, so that a dim stain is seen beside a
            bright one; otherwise one scale serves all, which keeps colours.

    Raises:
        ValueError: The image has more than 8 bits and `normalisation` is ``none``.
    """
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * np.uint8(255)
    if normalisation == "none":
        raise ValueError(f"`normalisation` is none, so the image must have 8 bits, got {image.dtype}.")
    if per_channel and normalisation == "percentile" and image.ndim == 3:
        return np.stack([to_uint8(image[..., c]) for c in range(image.shape[2])], axis=-1)
    low, high = _limits(image, normalisation)
    # float32 keeps 24 bits, more than any camera gives, at half the memory.
    scaled = (image.astype(np.float32) - np.float32(low)) * np.float32(255.0 / max(high - low, 1e-12))
    narrow: npt.NDArray[np.uint8] = np.clip(np.rint(np.nan_to_num(scaled)), 0, 255).astype(np.uint8)
    return narrow


def _limits(image: Image, normalisation: Normalisation) -> tuple[float, float]:
    if normalisation == "full_range":
        return (0.0, 1.0) if image.dtype.kind == "f" else (0.0, float(np.iinfo(image.dtype).max))
    # Every 4th pixel each way tells the percentiles of a large image as well as all of them.
    step = 4 if image.shape[0] * image.shape[1] > 1 << 20 else 1
    sample = image[::step, ::step]
    finite = sample[np.isfinite(sample)]
    low, high = np.percentile(finite, (0.1, 99.9)) if finite.size else (0.0, 1.0)
    return float(low), float(high)


def to_rgb(image: Image) -> Image:
    """Return (H, W, 3): grey repeated, two channels filled with zeros, more than three cut to the first three."""
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 2:
        return np.concatenate([image, np.zeros_like(image[..., :1])], axis=2)
    return image[..., :3]
