"""An inverse power law through metrics of trainings with different numbers of images, with intervals that hold.

metric(n) = a - b n^-c for qualities, which rise to a; a + b n^-c for errors, which fall to it; b >= 0 (Hestness et al.
2017, arXiv:1712.00409; Figueroa et al. 2012, doi:10.1186/1472-6947-12-8). For a given exponent c the law is linear, so
the fit looks for the best c alone (variable projection, Golub & Pereyra 1973, doi:10.1137/0710036) and cannot be caught
in a local minimum. Intervals are profile intervals: what a curve gives that fits the trials not significantly worse
than the best one (Bates & Watts 1988, doi:10.1002/9780470316757, chapter 6); curves beyond 1 for qualities, or below 0
for errors, are left out. Unlike those of a linear approximation they grow as far as the data leave the exponent open.
They hold only where the curve is a power law, which nobody knows: `averaged_curve` is what is reported.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from cell_pipelines.analysis.learning_curve.region import Region, Weighted, least_residuals
from cell_pipelines.typing import FloatArray

#: Exponents that are looked at; published ones lie between 0.07 and 2.
_EXPONENTS = (0.02, 5.0)
_COARSE, _FINE = 300, 160
_ENOUGH_SIZES = 3
_STEADYINGS = np.linspace(0, 1.5, 31)
_MISFIT = 0.05
_UNLIKELIER = float(stats.chi2.ppf(0.95, 1)) / 2


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """A fitted learning curve.

    Attributes:
        limit: What the metric comes to with ever more images (a).
        amplitude: b, in units of the metric, for n in images; 0 where the metric does not change.
        exponent: c.
        is_error: Whether less is better.
        sizes: (M,), images of each trial, those with the same images as one.
        values: (M,), their metric.
        level: Of the intervals.
        spread: Standard deviation of a trial with the most images around the curve.
        steadying: How fast trials of one size come closer with more images: their variance goes as n^-steadying.
        degrees: Degrees of freedom of `spread`.
        misfit_p: p-value of the test whether the law's shape fails the trials (means of sizes against the spread
            within them); nan for three sizes, or without a size that was trained twice.
        region: The curves that fit not significantly worse.
    """

    limit: float
    amplitude: float
    exponent: float
    is_error: bool
    sizes: FloatArray
    values: FloatArray
    level: float
    spread: float
    steadying: float
    degrees: int
    misfit_p: float
    region: Region

    def curve(self, images: npt.ArrayLike) -> FloatArray:
        """Return the metric for each number of images (N,), on average over trainings."""
        n = np.asarray(images, dtype=np.float64)
        change = self.amplitude * n ** (-self.exponent)
        return np.asarray(self.limit + change if self.is_error else self.limit - change)

    def band(self, images: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the interval of `curve` for each number of images, low (N,) and high (N,); each for itself."""
        low, high = self.region.reach(np.asarray(images, dtype=np.float64))
        return (-high, -low) if self.is_error else (low, high)


class NotEnoughTrials(ValueError):
    """There are too few sizes, or too few trials, for a curve with an interval."""


def fit_power_law(
    images: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    samples: npt.ArrayLike | None = None,
    is_error: bool = False,
    level: float = 0.95,
) -> PowerLaw:
    """Fit the law to all trials at once.

    Args:
        images: (M,), training images of each trial, 1 or more.
        values: (M,), its metric: a quality of at most 1, or an error of at least 0.
        samples: (M,), which set of images it learned from; trials with the same images count as one, their mean, since
            they all share what is good or bad luck in these images. None where each has its own.
        is_error: Whether less is better.
        level: Of the intervals, in (0, 1).

    Returns:
        The curve. Where the law's shape fails the trials (`misfit_p` below 0.05) the misfit, not the spread within
        sizes, sets the width of the intervals.

    Raises:
        NotEnoughTrials: There are fewer than three sizes, or fewer than four trials.
        ValueError: The values cannot be such a metric.
    """
    sizes, metric = _check(images, values, is_error=is_error)
    if samples is not None:
        sizes, metric = _merged(sizes, metric, np.asarray(samples))
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    n_sizes = len(np.unique(sizes))
    if n_sizes < _ENOUGH_SIZES or sizes.size <= _ENOUGH_SIZES:
        raise NotEnoughTrials(
            f"a curve takes at least 3 sizes and 4 trainings on different images, got {n_sizes} sizes and {sizes.size} "
            "such trainings"
        )
    reference = float(np.exp(np.log(sizes).mean()))
    u, z = sizes / reference, -metric if is_error else metric
    ceiling = 0.0 if is_error else 1.0
    steadying = _steadying(u, z)
    data = Weighted(u, z, u**steadying)
    exponent, least = _best_exponent(data, ceiling)
    variance, degrees, p = _variance(data, least)
    allowed = least + variance * float(stats.f.ppf(level, 1, degrees))
    region = Region.around(data, ceiling, allowed, _grid(data, ceiling, (exponent, allowed)), reference)
    a, b = region.best(np.array([exponent]))
    return PowerLaw(
        limit=-a if is_error else a,
        amplitude=b * reference**exponent,
        exponent=exponent,
        is_error=is_error,
        sizes=sizes,
        values=metric,
        level=level,
        spread=float(np.sqrt(variance / data.w.max())),
        steadying=steadying,
        degrees=degrees,
        misfit_p=p,
        region=region,
    )


def _best_exponent(data: Weighted, ceiling: float) -> tuple[float, float]:
    """Return the exponent that fits best and its sum of squared residuals."""
    grid = np.geomspace(*_EXPONENTS, _COARSE)
    residuals = least_residuals(data, ceiling, grid[:, np.newaxis])
    place = int(np.argmin(residuals))
    around = grid[max(0, place - 1)], grid[min(_COARSE - 1, place + 1)]
    found = optimize.minimize_scalar(
        lambda c: float(least_residuals(data, ceiling, np.array([[c]]))[0]),
        bounds=around, method="bounded", options={"xatol": 1e-7},
    )  # fmt: skip
    return (float(found.x), float(found.fun)) if found.fun < residuals[place] else (grid[place], residuals[place])


def _grid(data: Weighted, ceiling: float, best: tuple[float, float]) -> FloatArray:
    """Return exponents from the least to the greatest that fits well enough, and the best."""
    exponent, allowed = best
    coarse = np.geomspace(*_EXPONENTS, _COARSE)
    kept = np.flatnonzero(least_residuals(data, ceiling, coarse[:, np.newaxis]) <= allowed)
    near = int(np.searchsorted(coarse, exponent))
    first, last = (kept[0], kept[-1]) if kept.size else (near, near)
    low, high = coarse[max(0, min(first, near) - 1)], coarse[min(_COARSE - 1, max(last, near) + 1)]
    return np.sort(np.append(np.geomspace(low, high, _FINE), exponent))[:, np.newaxis]


def _steadying(u: FloatArray, z: FloatArray) -> float:
    """Return the power by which trials of one size come closer with more images, by likelihood within sizes."""
    _, number, count = np.unique(u, return_inverse=True, return_counts=True)
    off = (z - (np.bincount(number, z) / count)[number]) ** 2
    freedom = 1 - 1 / count[number]
    if count.size - np.count_nonzero(count == 1) < 2 or not off.any():
        return 0.0
    likelihood = [
        (np.sum(freedom * np.log(u)) * power - freedom.sum() * np.log(np.sum(off * u**power))) / 2
        for power in _STEADYINGS
    ]
    # The least power that is not clearly unlikelier than the best: weights that go too far make intervals too narrow.
    return float(_STEADYINGS[int(np.argmax(np.array(likelihood) >= max(likelihood) - _UNLIKELIER))])


def _variance(data: Weighted, least: float) -> tuple[float, int, float]:
    """Return the variance around the curve of a weight of 1, its degrees of freedom, and the p-value of the misfit."""
    _, number, count = np.unique(data.u, return_inverse=True, return_counts=True)
    means = np.bincount(number, data.z) / count
    within = float(data.w @ (data.z - means[number]) ** 2)
    inner, outer = data.u.size - count.size, count.size - _ENOUGH_SIZES
    degrees = data.u.size - _ENOUGH_SIZES
    if inner == 0 or outer == 0 or within == 0:
        return least / degrees, degrees, float("nan")
    misfit = max(least - within, 0.0) / outer
    p = float(stats.f.sf(misfit / (within / inner), outer, inner))
    return (misfit, outer, p) if p < _MISFIT else (least / degrees, degrees, p)


def _merged(sizes: FloatArray, metric: FloatArray, samples: npt.NDArray[np.generic]) -> tuple[FloatArray, FloatArray]:
    _, first, number, count = np.unique(samples, return_index=True, return_inverse=True, return_counts=True)
    if (sizes != sizes[first][number]).any():
        raise ValueError("`samples` that are the same must have as many images.")
    return sizes[first], np.bincount(number, metric) / count


def _check(images: npt.ArrayLike, values: npt.ArrayLike, *, is_error: bool) -> tuple[FloatArray, FloatArray]:
    sizes, metric = np.asarray(images, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if sizes.ndim != 1 or sizes.shape != metric.shape or not (sizes >= 1).all() or not np.isfinite(metric).all():
        raise ValueError("`images` and `values` must be as long, finite, and have at least one image per trial.")
    if is_error and (metric < 0).any():
        raise ValueError(f"`values` of an error must be 0 or more, got {metric.min():g}.")
    if not is_error and (metric > 1).any():
        raise ValueError(f"`values` of a quality must be at most 1, got {metric.max():g}.")
    return sizes, metric
