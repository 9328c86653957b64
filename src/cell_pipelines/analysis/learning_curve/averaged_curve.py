"""A learning curve whose law is uncertain: the average of several laws, with an interval over all of them.

One law, however well it is fitted, promises too much: over simulated curves that are no power laws a power law's
interval at twice the images held the truth in 0 to 60 of 100 cases (`benchmarks/learning_curve_coverage.py`). So every
law of `laws.LAWS` is fitted, and the interval goes over all curves, of whatever law, that fit not significantly worse
than the best one. It also holds the curve that goes on as it did over the last two or three sizes, since a curve that
rises in steps follows no law; where it rose ever faster, one that goes on doing so; and one that rises only half as
much as the average of the laws, since curves end earlier than laws do. None of this shrinks with more seeds.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from cell_pipelines.analysis.learning_curve.laws import LAWS, Law
from cell_pipelines.analysis.learning_curve.power_law import PowerLaw, fit_power_law
from cell_pipelines.analysis.learning_curve.recent_trend import RecentTrend
from cell_pipelines.analysis.learning_curve.region import Region, Weighted, least_residuals, varying
from cell_pipelines.typing import FloatArray

_MISFIT: Final = 0.05
_LEAST_RISE: Final = 0.5  # of what the average of the laws promises
_LEAST_VARIANCE: Final = 1e-16
_MOST_SHAPES: Final = 150  # of a law; more take time and say nothing new


@dataclass(frozen=True, eq=False)
class FittedLaw:
    """A law with its best curve.

    Attributes:
        region: Its curves that fit not significantly worse than the best curve of any law; may be empty.
        shape: (P,), that of its best curve.
        rest: What the best curve leaves, the sum of squared residuals.
    """

    region: Region
    shape: FloatArray
    rest: float

    @property
    def law(self) -> Law:
        """Return which law it is."""
        return self.region.law

    def curve(self, images: FloatArray) -> FloatArray:
        """Return the best curve (N,), of what rises."""
        a, b = self.region.best(self.shape)
        f = self.law.falling(images / self.region.reference, self.shape[np.newaxis])[0]
        return np.asarray(np.minimum(a - b * f, self.region.ceiling))


@dataclass(frozen=True, eq=False)
class AveragedCurve:
    """A learning curve over several laws.

    Attributes:
        power: The power law alone, whose parameters stand in tables.
        laws: All laws, each with what fits well enough.
        weights: (L,), of each law in the average; they sum to 1.
        trend: How the curve rose over the last sizes.
        misfit_p: p-value of the test whether even the best law fails the trials; nan where it cannot be made.
        degrees: Degrees of freedom of the variance that sets the interval's width.
    """

    power: PowerLaw
    laws: tuple[FittedLaw, ...]
    weights: FloatArray
    trend: RecentTrend
    misfit_p: float
    degrees: int

    @property
    def sizes(self) -> FloatArray:
        """Return the images of each trial, (M,)."""
        return self.power.sizes

    @property
    def is_error(self) -> bool:
        """Return whether less is better."""
        return self.power.is_error

    @cached_property
    def has_trend(self) -> bool:
        """Whether a constant fits significantly worse, so that images can be said to matter."""
        return not self.laws[0].region.holds_constant

    @property
    def fitting(self) -> tuple[str, ...]:
        """Return the names of the laws that fit well enough."""
        return tuple(fitted.law.name for fitted in self.laws if len(fitted.region.shapes))

    @property
    def limit(self) -> float:
        """Return what the average of the laws comes to with ever more images."""
        return float(self.curve(np.inf))

    def curve(self, images: npt.ArrayLike) -> FloatArray:
        """Return the metric for each number of images (N,), on average over laws and trainings."""
        n = np.asarray(images, dtype=np.float64)
        curves = np.stack([fitted.curve(np.atleast_1d(n)) for fitted in self.laws])
        return self._turned(self.weights @ curves).reshape(n.shape)

    def band(self, images: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the interval of the curve for each number of images, low (N,) and high (N,); each for itself."""
        n = np.atleast_1d(np.asarray(images, dtype=np.float64))
        low, high = self._reach(n)
        return self._ends(*self._with_trend(n, low, high))

    def prediction(self, images: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the interval in which one more training with so many images is expected, low (N,) and high (N,)."""
        n = np.atleast_1d(np.asarray(images, dtype=np.float64))
        weight = (n / self.power.region.reference) ** self.power.steadying
        low, high = self._reach(n, one_more=weight)
        return self._ends(*self._with_trend(n, low, high))

    def limit_interval(self) -> tuple[float, float]:
        """Return the interval of `limit`, over laws alone: no trend goes on for ever."""
        low, high = self._ends(*self._reach(np.array([np.inf])))
        return float(low[0]), float(high[0])

    def _reach(self, n: FloatArray, one_more: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        ends = [fitted.region.reach(n, one_more=one_more) for fitted in self.laws if len(fitted.region.shapes)]
        low, high = np.min([end[0] for end in ends], axis=0), np.max([end[1] for end in ends], axis=0)
        average = self._turned(self.curve(n))
        return np.minimum(low, average), np.maximum(high, average)

    def _with_trend(self, n: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Let the interval hold curves that go on as over the last sizes, and those that rise from now on by less."""
        high = np.minimum(np.maximum(high, self.trend.upper(n)), self.power.region.ceiling)
        most = np.array([self.trend.most])
        rise = self._turned(self.curve(np.maximum(n, most)) - self.curve(most))
        return np.minimum(low, np.where(n > most, self._reach(most)[0] + _LEAST_RISE * rise, np.inf)), high

    def _turned(self, values: FloatArray) -> FloatArray:
        return -values if self.is_error else values

    def _ends(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        return (-high, -low) if self.is_error else (low, high)


def fit_learning_curve(
    images: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    samples: npt.ArrayLike | None = None,
    is_error: bool = False,
    level: float = 0.95,
) -> AveragedCurve:
    """Fit all laws to all trials at once; the arguments and errors are those of `fit_power_law`."""
    power = fit_power_law(images, values, samples=samples, is_error=is_error, level=level)
    data, ceiling, reference = power.region.data, power.region.ceiling, power.region.reference
    found = [_fit(law, data, ceiling) for law in LAWS]
    variance, degrees, p, best = _variance(data, [(law, rest) for law, (_, _, rest) in zip(LAWS, found, strict=True)])
    allowed = best + variance * float(stats.f.ppf(level, 1, degrees))
    fitted = []
    for law, (grid, shape, rest) in zip(LAWS, found, strict=True):
        kept = grid[least_residuals(data, ceiling, grid, law) <= allowed]
        if len(kept) > _MOST_SHAPES:
            finer = varying(data, law.refine(kept), law)
            kept = np.append(finer[least_residuals(data, ceiling, finer, law) <= allowed], shape[np.newaxis], axis=0)
        fitted.append(FittedLaw(Region(data, ceiling, allowed, kept, reference, law), shape, rest))
    information = np.array([one.rest / max(variance, _LEAST_VARIANCE) + 2 * one.law.parameters for one in fitted])
    weights = np.exp(-(information - information.min()) / 2)
    trend = RecentTrend.of(data, reference, variance)
    return AveragedCurve(power, tuple(fitted), weights / weights.sum(), trend, p, degrees)


def _fit(law: Law, data: Weighted, ceiling: float) -> tuple[FloatArray, FloatArray, float]:
    """Return the shapes of a law that are looked at (C, P), the best (P,), and what it leaves."""
    shapes = varying(data, law.grid(data.u), law)
    for _ in range(2):
        residuals = least_residuals(data, ceiling, shapes, law)
        order = np.argsort(residuals, kind="stable")
        near = residuals <= 4 * residuals[order[0]] + _LEAST_VARIANCE
        shapes = np.concatenate([shapes[order[:1]], varying(data, law.refine(shapes[near]), law), shapes])
        shapes = np.unique(shapes, axis=0)
    residuals = least_residuals(data, ceiling, shapes, law)
    place = int(np.argmin(residuals))
    return shapes, shapes[place], float(residuals[place])


def _variance(data: Weighted, rests: list[tuple[Law, float]]) -> tuple[float, int, float, float]:
    """Return the variance of a weight of 1, its degrees of freedom, the misfit's p, and what the best law leaves.

    The best law is the one that leaves least for its degrees of freedom.
    """
    _, number, count = np.unique(data.u, return_inverse=True, return_counts=True)
    trials = data.u.size
    law, rest = min(
        ((law, rest) for law, rest in rests if law.parameters < trials),
        key=lambda pair: pair[1] / (trials - pair[0].parameters),
    )
    degrees = trials - law.parameters
    means = np.bincount(number, data.z) / count
    within = float(data.w @ (data.z - means[number]) ** 2)
    inner, outer = trials - count.size, count.size - law.parameters
    if inner == 0 or outer <= 0 or within == 0:
        return rest / degrees, degrees, float("nan"), rest
    misfit = max(rest - within, 0.0) / outer
    p = float(stats.f.sf(misfit / (within / inner), outer, inner))
    return (misfit, outer, p, rest) if p < _MISFIT else (rest / degrees, degrees, p, rest)
