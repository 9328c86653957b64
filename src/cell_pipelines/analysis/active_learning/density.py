"""Measure how crowded images are, and how far outside the training images' range."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import FloatArray

# A span of one part in ten is taken for images that are all alike.
_LEAST_SPAN = float(np.log(1.1))


@dataclass(frozen=True)
class DensityRange:
    """Range of the training images, in cells per megapixel.

    Attributes:
        low: The 5 % quantile.
        high: The 95 % quantile.
        images: How many images it is made of.
    """

    low: float
    high: float
    images: int

    def novelty(self, densities: npt.ArrayLike) -> FloatArray:
        """Return how far densities lie outside of the range, in widths of the range on a logarithmic axis.

        Args:
            densities: Any shape, cells per megapixel, 0 or more.

        Returns:
            0 inside the range and at its ends, 1 as far outside as the range is wide; nan without training images.
        """
        if not self.images:
            return np.full(np.shape(densities), np.nan)
        low, high = np.log1p(self.low), np.log1p(self.high)
        place = np.log1p(np.asarray(densities, dtype=np.float64))
        outside = np.maximum(np.maximum(low - place, place - high), 0.0)
        return np.asarray(outside / max(high - low, _LEAST_SPAN))


def density(counts: npt.ArrayLike, heights: npt.ArrayLike, widths: npt.ArrayLike) -> FloatArray:
    """Return cells per megapixel of images (N,) from their counts and sizes in pixels."""
    area = np.asarray(heights, dtype=np.float64) * np.asarray(widths, dtype=np.float64)
    return np.asarray(np.asarray(counts, dtype=np.float64) / area * 1e6)


def density_range(densities: npt.ArrayLike) -> DensityRange:
    """Return the range of training images (N,), cells per megapixel; N may be 0."""
    known = np.asarray(densities, dtype=np.float64)
    if not known.size:
        return DensityRange(float("nan"), float("nan"), 0)
    low, high = np.quantile(known, (0.05, 0.95))
    return DensityRange(float(low), float(high), int(known.size))
