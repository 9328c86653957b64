"""Thresholds from an image's histogram or from each pixel's surroundings, and the background taken away before."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cell_pipelines.typing import BoolMask, Float32Array

Method = Literal["otsu", "triangle", "li", "local"]


# Enough that no two grey levels of 16 bit share one.
_MOST_BINS = 1 << 16
# The triangle looks for the highest bin, which noise hides where bins hold few pixels.
_MOST_TRIANGLE_BINS = 1 << 10
_BALL_LEVELS = 255.0


def threshold_image(grey: Float32Array, method: Method, *, scale: float = 1.0, local: tuple[float, float]) -> BoolMask:
    """Return the pixels brighter than the threshold.

    Args:
        grey: (H, W) float32, finite.
        method: ``otsu`` (Otsu 1979), ``triangle`` (Zack et al. 1977), ``li`` (Li & Tam 1998), or ``local``.
        scale: Factor of a histogram's threshold, counted from the darkest pixel.
        local: For ``local``: standard deviation of the surroundings in pixels, and the contrast to them as a share of
            the image's range.

    Returns:
        Mask (H, W); empty for an image of one grey level.
    """
    low, high = float(grey.min()), float(grey.max())
    if low == high:
        return np.zeros(grey.shape, dtype=np.bool_)
    if method == "local":
        return _threshold_local(grey, *local)
    found = _threshold_of(grey, method, low, high)
    return np.asarray(grey > low + scale * (found - low))


def _threshold_local(grey: Float32Array, sigma_px: float, contrast: float) -> BoolMask:
    low, high = np.percentile(grey, (0.1, 99.9))
    around = ndimage.gaussian_filter(grey, sigma_px, mode="nearest")
    return np.asarray(grey > around + np.float32(contrast * (high - low)))


def _threshold_of(grey: Float32Array, method: Method, low: float, high: float) -> float:
    from skimage.filters import threshold_li, threshold_otsu, threshold_triangle

    # Whole numbers get a bin each, so that the threshold is that of the raw grey levels.
    is_whole = high - low < _MOST_BINS and bool((grey == np.rint(grey)).all())
    bins = int(high - low) + 1 if is_whole else _MOST_BINS
    if method == "otsu":
        return float(threshold_otsu(hist=_histogram(grey, bins, low, high)))
    if method == "triangle":
        return float(threshold_triangle(grey, nbins=min(bins, _MOST_TRIANGLE_BINS)))
    # Logarithms lose small steps far from 0, and one image's units must not move its threshold.
    levels = (grey - np.float32(low)) / np.float32(high - low)
    return low + float(threshold_li(levels, tolerance=1e-4)) * (high - low)


def _histogram(grey: Float32Array, bins: int, low: float, high: float) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    counts, edges = np.histogram(grey, bins=bins, range=(low, high))
    return counts, (edges[:-1] + edges[1:]) / 2


def subtract_background(
    grey: Float32Array, method: Literal["top_hat", "rolling_ball"], radius_px: float
) -> Float32Array:
    """Return an image without the slow changes of its background, 0 or more.

    Args:
        grey: (H, W) float32, finite, cells bright.
        method: ``top_hat`` subtracts the opening by a square, ``rolling_ball`` what a ball can reach from below.
        radius_px: Half the side of the square, or the ball's radius, in pixels.
    """
    if method == "top_hat":
        side = 2 * max(1, round(radius_px)) + 1
        background = ndimage.grey_opening(grey, size=(side, side), mode="nearest")
    else:
        background = _ball_background(grey, radius_px)
    return np.asarray(np.maximum(grey - background, 0))


def _ball_background(grey: Float32Array, radius_px: float) -> Float32Array:
    """Roll the ball under a smaller image, as ImageJ does, since its cost grows with the radius squared."""
    from skimage.restoration import rolling_ball
    from skimage.transform import resize

    low, high = float(grey.min()), float(grey.max())
    shrink = next((factor for factor, limit in ((1, 10), (2, 30), (4, 100)) if radius_px <= limit), 8)
    # The ball is as high as it is wide, so grey levels are brought to the range that it is meant for.
    unit = np.float32(max(high - low, 1e-30) / _BALL_LEVELS)
    small = ndimage.minimum_filter(grey, size=shrink, mode="nearest")[shrink // 2 :: shrink, shrink // 2 :: shrink]
    if not small.size:
        small = np.full((1, 1), low, dtype=np.float32)
    rolled = rolling_ball((small - np.float32(low)) / unit, radius=max(1.0, radius_px / shrink))
    background = resize(rolled.astype(np.float32), grey.shape, order=1, mode="edge", anti_aliasing=False)
    return np.asarray(background, dtype=np.float32) * unit + np.float32(low)
