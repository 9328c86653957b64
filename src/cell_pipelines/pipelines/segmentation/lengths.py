"""Lengths in micrometres brought to pixels, for options that are named so."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cell_pipelines.annotations.schema import AnnotationSet

# Pixel sizes that differ by less are the same but for rounding in the files.
_TOLERANCE = 0.01


def common_pixel_size(annotations: AnnotationSet) -> float | None:
    """Return the pixel size in micrometres that all images share; None where one says nothing or they differ."""
    sides = np.array(
        [annotations.images[side].to_pylist() for side in ("pixel_height_um", "pixel_width_um")], dtype=np.float64
    )
    if not sides.size or np.isnan(sides).any() or sides.max() > sides.min() * (1 + _TOLERANCE):
        return None
    return float(sides.mean())


def to_pixels(options: Mapping[str, Any], pixel_size_um: float | None) -> dict[str, Any]:
    """Return options with each length ``…_um`` as ``…_px``.

    Raises:
        ValueError: There is such a length, and the images have no pixel size in common.
    """
    lengths = [key for key in options if key.endswith("_um")]
    if lengths and pixel_size_um is None:
        raise ValueError(
            f"`{lengths[0]}` is in micrometres, so all images must say the same pixel size; give it in pixels instead, "
            f"as `{lengths[0][:-3]}_px`."
        )
    return {
        key[:-3] + "_px" if key in lengths else key: value / (pixel_size_um or 1.0) if key in lengths else value
        for key, value in options.items()
    }
