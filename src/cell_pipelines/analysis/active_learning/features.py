"""Describe an image in a few numbers: enough to recognise copies of one field among other fields."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from cell_pipelines.imaging.reading import Image
from cell_pipelines.typing import FloatArray

_QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: What `image_features` returns, in this order.
FEATURES: Final = (*(f"intensity_{round(100 * q):02d}" for q in _QUANTILES), "contrast", "texture")


def image_features(image: Image) -> FloatArray:
    """Return seven quantiles of intensity, the contrast and the texture of an image.

    Args:
        image: (H, W) or (H, W, C), unsigned integer or float; integers as shares of their type's range.

    Returns:
        (9,) float64 in the order of `FEATURES`: quantiles of the mean of all channels, their standard deviation, and
        the mean difference of neighbouring pixels.
    """
    grey = image.astype(np.float64) if image.ndim == 2 else image.mean(axis=2, dtype=np.float64)
    if image.dtype.kind in "ui":
        grey = grey / np.iinfo(image.dtype).max
    steps = [np.abs(np.diff(grey, axis=axis)) for axis in (0, 1)]
    texture = [float(step.mean()) for step in steps if step.size]
    return np.array([*np.quantile(grey, _QUANTILES), grey.std(), np.mean(texture) if texture else 0.0])


def similarities(features: FloatArray, series: Sequence[str | None], *, same_series: float = 0.5) -> FloatArray:
    """Return how alike images are, two by two.

    Features are scaled by their spread over the images; the similarity is exp(-2 d² / m²) of their Euclidean distance
    d, with m the median of all distances, so that a usual pair is alike by 0.14 and copies by 1.

    Args:
        features: (N, F); nan counts as the median of all.
        series: (N,) the series of each image, None where it is of none.
        same_series: Two images of one series are at least so alike, in [0, 1].

    Returns:
        (N, N) float64 in [0, 1], 1 on the diagonal and for copies.
    """
    if not len(features):
        return np.zeros((0, 0))
    median = np.nanmedian(np.where(np.isnan(features).all(axis=0), 0.0, features), axis=0)
    known = np.where(np.isnan(features), median, features)
    spread = known.std(axis=0)
    scaled = (known - median) / np.where(spread > 0, spread, 1.0)
    squares = (scaled**2).sum(axis=1)
    distances = np.maximum(squares[:, np.newaxis] + squares - 2 * scaled @ scaled.T, 0.0)
    apart = distances[np.triu_indices(len(distances), 1)]
    typical = float(np.median(apart)) if apart.size else 0.0
    alike = np.exp(-2 * distances / typical) if typical > 0 else (distances == 0).astype(np.float64)
    codes = {name: number for number, name in enumerate(dict.fromkeys(name for name in series if name is not None))}
    numbers = np.array([-1 - place if name is None else codes[name] for place, name in enumerate(series)])
    related = numbers[:, np.newaxis] == numbers
    alike = np.where(related, np.maximum(alike, same_series), alike)
    np.fill_diagonal(alike, 1.0)
    return np.asarray(alike)
