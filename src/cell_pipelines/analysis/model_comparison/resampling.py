"""Bootstrap intervals of many numbers at once from the same draws, so that 780 differences take as long as one.

`metrics.intervals` gives the interval of one number; here the units are drawn once for all models, their sums are one
matrix product, and percentiles are taken down the columns: bias-corrected and accelerated ones for a number (Efron
1987, doi:10.1080/01621459.1987.10478410), plain ones for a difference, which is hardly skewed. Few units, and units of
very different size, make both too narrow: ask for the level that `metrics.jackknife.small_sample_level` gives, and join
them with `metrics.jackknife.jackknife_intervals`. `benchmarks/interval_coverage.py` shows what each holds.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from cell_pipelines.typing import FloatArray

_VALUES_AT_ONCE = 4_000_000
_NO_SPREAD = 1e-12  # rounding of sums; a metric that really differs does so by more


def resample_totals(totals: FloatArray, *, n_resamples: int, seed: int) -> FloatArray:
    """Draw units with replacement and sum what they hold.

    Args:
        totals: (U, …) of U units.
        n_resamples: How many samples, B.
        seed: Of the draws.

    Returns:
        (B, …) the sums of each sample.
    """
    units = len(totals)
    rng = np.random.default_rng(seed)
    flat = totals.reshape(units, math.prod(totals.shape[1:]))
    parts, left = [], n_resamples
    while left and units:
        size = min(left, max(1, _VALUES_AT_ONCE // units))
        drawn = rng.multinomial(units, np.full(units, 1 / units), size=size).astype(np.float64)
        parts.append(drawn @ flat)
        left -= size
    found = np.concatenate(parts) if parts else np.full((n_resamples, flat.shape[1]), np.nan)
    return found.reshape(n_resamples, *totals.shape[1:])


def leave_one_out(totals: FloatArray) -> FloatArray:
    """Return the sums without each unit, (U, …), of totals (U, …)."""
    return np.asarray(totals.sum(axis=0) - totals, dtype=np.float64)


def percentile_intervals(resampled: FloatArray, *, level: float) -> tuple[FloatArray, FloatArray]:
    """Give the percentiles of each column of `resampled` (B, P), (P,) each; nan where `bca_intervals` gives it."""
    known = _varies(resampled)
    ordered = np.sort(resampled[:, known], axis=0)
    ends = [np.full(resampled.shape[1], np.nan) for _ in range(2)]
    for end, share in zip(ends, ((1 - level) / 2, (1 + level) / 2), strict=True):
        end[known] = _quantiles(ordered, np.full(int(known.sum()), share))
    return ends[0], ends[1]


def bca_intervals(
    estimates: FloatArray, resampled: FloatArray, without: FloatArray, *, level: float
) -> tuple[FloatArray, FloatArray]:
    """Give the BCa interval of each column.

    Args:
        estimates: (P,) the numbers from all units.
        resampled: (B, P) the same from samples of units.
        without: (U, P) the same without each unit.
        level: Of the intervals, in (0, 1).

    Returns:
        Lower and upper ends, (P,) each. Nan where the number is undefined in any sample or without any unit, where
        there are fewer than two units, and where every sample gives the same.
    """
    if len(without) < 2 or not estimates.size:
        nothing = np.full(estimates.shape, np.nan)
        return nothing, nothing.copy()
    known = _varies(resampled) & np.isfinite(without).all(axis=0) & np.isfinite(estimates)
    ordered = np.sort(resampled[:, known], axis=0)
    below = ((ordered < estimates[known]).mean(axis=0) + (ordered <= estimates[known]).mean(axis=0)) / 2
    bias, acceleration = special.ndtri(below), _acceleration(without[:, known])
    ends = []
    for z in special.ndtri(np.array([(1 - level) / 2, (1 + level) / 2])):
        shifted = bias + z
        with np.errstate(invalid="ignore"):  # a bias without end, and nan then
            share = special.ndtr(bias + shifted / (1 - acceleration * shifted))
        end = np.full(estimates.shape, np.nan)
        end[known] = _quantiles(ordered, share)
        ends.append(end)
    return ends[0], ends[1]


def _varies(resampled: FloatArray) -> npt.NDArray[np.bool_]:
    finite = np.isfinite(resampled).all(axis=0)
    return np.asarray(finite & (np.ptp(np.where(finite, resampled, 0.0), axis=0) > _NO_SPREAD), dtype=np.bool_)


def _acceleration(without: FloatArray) -> FloatArray:
    influence = without.mean(axis=0) - without
    cubes, squares = (influence**3).sum(axis=0), (influence**2).sum(axis=0)
    return np.asarray(
        np.divide(cubes, 6 * squares**1.5, out=np.zeros(cubes.shape), where=squares > 0), dtype=np.float64
    )


def _quantiles(ordered: FloatArray, shares: FloatArray) -> FloatArray:
    """Return of each sorted column the quantile at its own share, between neighbours in proportion."""
    known = np.where(np.isnan(shares), 0.0, shares)
    place = known * (len(ordered) - 1)
    lower = np.floor(place).astype(np.int64)
    upper = np.minimum(lower + 1, len(ordered) - 1)
    low, high = (np.take_along_axis(ordered, index[None], axis=0)[0] for index in (lower, upper))
    return np.asarray(np.where(np.isnan(shares), np.nan, low + (high - low) * (place - lower)), dtype=np.float64)
