"""Points of a dose-response curve: proportions of cells, or measured values; both say how far a curve is from them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from cell_pipelines.typing import FloatArray

_BEYOND: Final = 4.0  # decades that log10 EC50 may lie outside the doses
_HILLS: Final = (0.05, 30.0)
#: Distance of top and bottom from their bounds below which they count as on it; of proportions, from 0 and 1.
EDGE: Final = 1e-4
_SAFE: Final = 1e-9
_OUTSIDE: Final = 2.0  # of the range of measured values, by which top and bottom may lie beyond it


@dataclass(frozen=True, eq=False)
class Points:
    """Proportions of cells, one row per unit: fields, or the fields of a series at a dose together.

    Attributes:
        log10_dose: (N,), -inf for a dose of 0.
        live: (N,) cells.
        total: (N,) cells, above 0.
        cluster: (N,) number of the cluster of each unit, from 0 without a gap.
    """

    log10_dose: FloatArray
    live: FloatArray
    total: FloatArray
    cluster: npt.NDArray[np.int64]

    #: Whether top and bottom end at bounds that no curve can pass.
    is_bounded = True
    #: Whether one variance, or one factor of known ones, holds for the units of all doses.
    has_one_variance = False

    @property
    def size(self) -> int:
        """Number of units."""
        return self.live.size

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1

    @property
    def observed(self) -> FloatArray:
        """Return the proportion (N,) of each unit."""
        return self.live / self.total

    @property
    def mean(self) -> float:
        """The proportion of all cells together."""
        return float(self.live.sum() / self.total.sum())

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Least and largest values of top, bottom, log10 EC50 and the logarithm of hill."""
        return _bounds(self.log10_dose, 0.0, 1.0)

    def residuals(self, expected: FloatArray) -> FloatArray:
        """Return signed square roots (N,) of the binomial deviance from expected proportions (N,)."""
        share = np.clip(expected, _SAFE, 1 - _SAFE)
        live, dead = self.live, self.total - self.live
        cells = self.total * share
        deviance = special.xlogy(live, live / cells) + special.xlogy(dead, dead / (self.total - cells))
        return np.asarray(np.sign(live - cells) * np.sqrt(2 * np.maximum(deviance, 0)))

    def slope(self, expected: FloatArray) -> FloatArray:
        """Return how the residuals (N,) change with the expected proportion."""
        share = np.clip(expected, _SAFE, 1 - _SAFE)
        pearson = (self.live - self.total * share) / (share * (1 - share))
        residual = self.residuals(share)
        near = np.abs(residual) < 1e-5
        exact = -np.sqrt(self.total / (share * (1 - share)))
        return np.asarray(np.where(near, exact, -pearson / np.where(near, 1.0, residual)))

    def precision(self, expected: FloatArray) -> FloatArray:
        """Return one over the binomial standard deviation (N,) of each unit."""
        share = np.clip(expected, EDGE, 1 - EDGE)
        return np.asarray(np.sqrt(self.total / (share * (1 - share))))

    def pearson(self, expected: FloatArray) -> FloatArray:
        """Return the distance (N,) from the curve in binomial standard deviations."""
        return self.precision(expected) * (self.observed - np.clip(expected, EDGE, 1 - EDGE))


@dataclass(frozen=True, eq=False)
class MeasuredPoints:
    """Measured values of any unit, one row per unit, such as wells.

    Attributes:
        log10_dose: (N,), -inf for a dose of 0.
        observed: (N,) values.
        sd: (N,) standard deviations relative to each other; ones where units scatter alike.
        cluster: (N,) number of the cluster of each unit, from 0 without a gap.
    """

    log10_dose: FloatArray
    observed: FloatArray
    sd: FloatArray
    cluster: npt.NDArray[np.int64]

    is_bounded = False
    has_one_variance = True

    @property
    def size(self) -> int:
        """Number of units."""
        return self.observed.size

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1

    @property
    def mean(self) -> float:
        """The mean value, that of units which scatter less counting more."""
        return float(np.average(self.observed, weights=self.sd**-2))

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Least and largest values of top, bottom, log10 EC50 and the logarithm of hill."""
        low, high = float(self.observed.min()), float(self.observed.max())
        margin = max(_OUTSIDE * (high - low), 1.0)
        return _bounds(self.log10_dose, low - margin, high + margin)

    def residuals(self, expected: FloatArray) -> FloatArray:
        """Return the distances (N,) from expected values (N,) in relative standard deviations."""
        return (self.observed - expected) / self.sd

    def slope(self, expected: FloatArray) -> FloatArray:
        """Return how the residuals (N,) change with the expected value."""
        return -1 / self.sd

    def precision(self, expected: FloatArray) -> FloatArray:
        """Return one over the relative standard deviations (N,)."""
        return 1 / self.sd

    def pearson(self, expected: FloatArray) -> FloatArray:
        """Return the distances (N,) from the curve in relative standard deviations."""
        return self.residuals(expected)


def _bounds(log10_dose: FloatArray, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    known, hills = log10_dose[np.isfinite(log10_dose)], np.log(_HILLS)
    least = np.array([low, low, known.min() - _BEYOND, hills[0]])
    return least, np.array([high, high, known.max() + _BEYOND, hills[1]])
