"""Compute confidence intervals: of a proportion and, by resampling images, of a ratio of summed counts.

Cells of one image share its focus, its stain and its patient, so they are not independent. An interval for a
metric over cells must therefore resample **images**, or whole series of them; `bootstrap_interval` does.
`wilson_interval` is for things that really are independent, such as images that pass a check or cells of one population
that are dead.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cell_pipelines.metrics.jackknife import IntervalScale, jackknife_intervals, join_intervals, small_sample_level
from cell_pipelines.typing import FloatArray

_VALUES_AT_ONCE = 2_000_000  # resampled counts held in memory, about 16 MB


@dataclass(frozen=True)
class Interval:
    """A number and the interval it may lie in.

    Attributes:
        estimate: The number from all the data; nan if undefined.
        low: Lower end of the interval; nan if there is none.
        high: Upper end; nan if there is none.
        level: How often such an interval holds the true value, in (0, 1).
    """

    estimate: float
    low: float
    high: float
    level: float


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Give Wilson's score interval for a proportion.

    It is that of statsmodels (Wilson 1927, doi:10.1080/01621459.1927.10502953), which stays within [0, 1] and is
    meaningful for few trials and for proportions of 0 and 1.

    Args:
        successes: How often it happened, 0 to `trials`.
        trials: How often it could have, independently of each other.
        level: Level of the interval, in (0, 1).

    Returns:
        The proportion and its interval, all nan for no trials.
    """
    _check_level(level)
    if not 0 <= successes <= trials:
        raise ValueError(f"`successes` must lie between 0 and `trials` ({trials}), got {successes}.")
    if trials == 0:
        return Interval(float("nan"), float("nan"), float("nan"), level)
    # Imported here, since it takes a second and most metrics do without.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, trials, alpha=1 - level, method="wilson")
    # What the formula gives exactly, and arithmetic nearly.
    low, high = 0.0 if successes == 0 else float(low), 1.0 if successes == trials else float(high)
    return Interval(successes / trials, low, high, level)


def bootstrap_interval(
    counts: ArrayLike,
    statistic: Callable[[FloatArray], Any],
    *,
    units: ArrayLike | None = None,
    scale: IntervalScale = "identity",
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Give the BCa bootstrap interval of a ratio of totals, by resampling images.

    Images, or whole units of them, are drawn with replacement, their counts summed, the ratio taken; the bias-corrected
    and accelerated percentiles of the results (Efron 1987, doi:10.1080/01621459.1987.10478410) are the interval, those
    of the level that `small_sample_level` gives for so many units, made as wide as `jackknife_intervals` where that is
    wider.

    Images whose counts are all 0 change no ratio of totals and are left out. For a mean over all images, such
    as the mean count error, add a column of ones and divide by its total.

    Args:
        counts: (I, K), K counts of each of I images, for example tp, fp and fn.
        statistic: Takes totals (..., K) float64 and gives their ratio (...), for any leading shape; totals of
            0 included, as the functions of `ratios.py` do.
        units: (I,), the series, well or recording of each image, where these are drawn whole; None draws images.
        scale: That of the jackknife's interval.
        level: Level of the interval, in (0, 1).
        n_resamples: How many samples are drawn.
        seed: Seed of the draws; the same seed gives the same interval.

    Returns:
        The ratio over all images and its interval. There is no interval (nan) for fewer than two images with
        counts, when every unit would give the same result (the data then hold no spread to learn from, not
        no uncertainty), or when the ratio is undefined in a resample.

    Example:
        >>> errors = np.array([[2, 1], [0, 1], [5, 1]])
        >>> round(bootstrap_interval(errors, lambda totals: totals[..., 0] / totals[..., 1]).estimate, 2)
        2.33
    """
    _check_level(level)
    table = _check_table(counts)
    estimate = float(statistic(table.sum(axis=0)))
    drawn = table if units is None else _sum_units(table, units)
    informative = drawn[drawn.any(axis=1)]
    if len(informative) < 2:
        return Interval(estimate, float("nan"), float("nan"), level)
    without = np.asarray(statistic(informative.sum(axis=0) - informative), dtype=np.float64)
    ends = _bca(informative, statistic, level, n_resamples, seed)
    wider = jackknife_intervals(np.array([estimate]), without[:, np.newaxis], level=level, scale=scale)
    low, high = join_intervals((np.array([ends[0]]), np.array([ends[1]])), wider)
    return Interval(estimate, float(low[0]), float(high[0]), level)


def ratio_interval(
    counts: ArrayLike,
    ratio: Callable[..., Any],
    *,
    units: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Give the BCa bootstrap interval of a function of `ratios.py`, by resampling images.

    Args:
        counts: (I, K), one row per image, columns in the order of the function's arguments.
        ratio: `f1`, `iou`, `dice`, `precision`, `recall`, `share` or any other in [0, 1] that takes K arrays.
        units: (I,), the series, well or recording of each image, where these are drawn whole; None draws images.
        level: Level of the interval, in (0, 1).
        n_resamples: How many samples are drawn.
        seed: Seed of the draws.

    Returns:
        The ratio of the summed counts and its interval; nan as in `bootstrap_interval`.

    Example:
        >>> from cell_pipelines.metrics.ratios import iou
        >>> ratio_interval([[8, 1, 1], [5, 5, 0], [0, 0, 0]], iou).estimate
        0.65
    """
    return bootstrap_interval(
        counts, _of_totals(ratio), units=units, scale="logit", level=level, n_resamples=n_resamples, seed=seed
    )


def mean_interval(
    values: ArrayLike,
    *,
    units: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Give the BCa bootstrap interval of a mean over images, as of the absolute count error or the image IoU.

    Args:
        values: (I,), one value per image; nan for images that have none, which are left out.
        units: (I,), the series, well or recording of each image, where these are drawn whole; None draws images.
        level: Level of the interval, in (0, 1).
        n_resamples: How many samples are drawn.
        seed: Seed of the draws.

    Returns:
        The mean and its interval; nan as in `bootstrap_interval`.
    """
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"`values` must have shape (I,), one value per image, got {column.shape}.")
    known = ~np.isnan(column)
    table = np.stack([np.where(known, column, 0.0), known.astype(np.float64)], axis=1)
    scale = _scale_of(column[known])
    return bootstrap_interval(
        table, _mean_of_totals, units=units, scale=scale, level=level, n_resamples=n_resamples, seed=seed
    )


def _scale_of(values: FloatArray) -> IntervalScale:
    if values.size and values.min() >= 0:
        return "logit" if values.max() <= 1 else "log"
    return "identity"


def _of_totals(ratio: Callable[..., Any]) -> Callable[[FloatArray], Any]:
    return lambda totals: ratio(*np.moveaxis(totals, -1, 0))


def _mean_of_totals(totals: FloatArray) -> Any:
    return np.divide(totals[..., 0], totals[..., 1], out=np.full(totals.shape[:-1], np.nan), where=totals[..., 1] > 0)


def _sum_units(table: FloatArray, units: ArrayLike) -> FloatArray:
    """Add up the images of each unit, (U, K)."""
    names, number = np.unique(np.asarray(units), return_inverse=True)
    if number.shape != (len(table),):
        raise ValueError(f"`units` must have shape (I,), one an image, got {number.shape} for {len(table)} images.")
    sums = np.zeros((len(names), table.shape[1]))
    np.add.at(sums, number, table)
    return sums


def _bca(
    table: FloatArray, statistic: Callable[[FloatArray], Any], level: float, n_resamples: int, seed: int
) -> tuple[float, float]:
    from scipy import stats

    def resampled(*columns: FloatArray, axis: int) -> Any:
        return statistic(np.stack([column.sum(axis=axis) for column in columns], axis=-1))

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # nan ends say it
        ends = stats.bootstrap(
            tuple(table.T),
            resampled,
            paired=True,
            vectorized=True,
            confidence_level=small_sample_level(level, len(table)),
            n_resamples=n_resamples,
            batch=max(1, _VALUES_AT_ONCE // table.size),
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(ends.low), float(ends.high)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")


def _check_table(counts: ArrayLike) -> FloatArray:
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"`counts` must have shape (I, K), one row per image, got {table.shape}.")
    if not np.isfinite(table).all():
        raise ValueError("`counts` must be finite, got a nan or an infinity.")
    return table
