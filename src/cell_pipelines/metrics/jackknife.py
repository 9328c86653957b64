"""Student's intervals from what a number is without each unit, for images that differ much in their cells.

Percentiles of a bootstrap fall short where a few crowded images carry most of a number: of 20 images whose sizes are
log-normal with a standard deviation of the logarithm of 1.2, BCa intervals of F1 held the truth in 88 of 100 cases
where 95 were meant. The jackknife's standard error (Efron & Stein 1981, doi:10.1214/aos/1176345462) on a scale without
bounds, with as many degrees of freedom as the units' influences are even, repairs that: `benchmarks/coverage.md`.
"""

import math
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy import special

from cell_pipelines.typing import FloatArray

#: On what scale an interval is symmetric: shares in (0, 1), sizes above 0, any number.
IntervalScale: TypeAlias = Literal["logit", "log", "identity"]

_NORMAL_KURTOSIS: Final = 3.0
_ALMOST_ALL: Final = 1 - 1e-12
_NO_SPREAD: Final = 1e-12  # rounding of sums


def jackknife_intervals(
    estimates: FloatArray, without: FloatArray, *, level: float, scale: IntervalScale
) -> tuple[FloatArray, FloatArray]:
    """Give the jackknife's interval of each of P numbers.

    The degrees of freedom are those of as many equal units as have the influences' kurtosis, at most U - 1, at least 1.

    Args:
        estimates: (P,) the numbers from all units.
        without: (U, P) the same without each unit.
        level: Of the intervals, in (0, 1).
        scale: The scale on which they are symmetric.

    Returns:
        Lower and upper ends, (P,) each; nan where there are fewer than two units, where a number is undefined without
        some unit, where no unit changes it, and where it does not lie within the scale.
    """
    units = len(without)
    if units < 2:
        nothing = np.full(estimates.shape, np.nan)
        return nothing, nothing.copy()
    influence = without.mean(axis=0) - without
    squares, fourths = (influence**2).sum(axis=0), (influence**4).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        even = np.clip(_NORMAL_KURTOSIS * squares**2 / fourths, 2.0, units)
        width = special.stdtrit(even - 1, (1 + level) / 2) * np.sqrt((units - 1) / units * squares)
        width = np.where(width > _NO_SPREAD, width, np.nan)
        return _ends(estimates, width, scale)


def _ends(estimates: FloatArray, width: FloatArray, scale: IntervalScale) -> tuple[FloatArray, FloatArray]:
    if scale == "identity":
        return estimates - width, estimates + width
    if scale == "log":
        inside = np.where(estimates > 0, estimates, np.nan)
        return inside * np.exp(-width / inside), inside * np.exp(width / inside)
    inside = np.where((estimates > 0) & (estimates < 1), estimates, np.nan)
    half = width / (inside * (1 - inside))
    return special.expit(special.logit(inside) - half), special.expit(special.logit(inside) + half)


def join_intervals(
    ends: tuple[FloatArray, FloatArray], others: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return the least interval that holds both of each number; that of `ends` where the other is undefined.

    Args:
        ends: Lower and upper ends, (P,) each; where they are nan, so is the result.
        others: Likewise; nan counts for nothing.
    """
    low, high = (np.where(np.isnan(other), end, other) for end, other in zip(ends, others, strict=True))
    return np.minimum(ends[0], low), np.maximum(ends[1], high)


def small_sample_level(level: float, units: int) -> float:
    """Return the level to ask for so that percentiles of few units hold the truth as often as `level` says.

    A bootstrap takes the spread of n units for sqrt((n - 1) / n) of what it is, and knows it without error; Student's t
    and that factor undo both (Hesterberg 2015, doi:10.1080/00031305.2015.1089789, section 3.2).

    Args:
        level: In (0, 1).
        units: How many are drawn; below two there is nothing to correct.

    Example:
        >>> round(small_sample_level(0.95, 10), 3), round(small_sample_level(0.95, 100), 3)
        (0.983, 0.954)
    """
    if units < 2:
        return level
    z = math.sqrt(units / (units - 1)) * float(special.stdtrit(units - 1, (1 + level) / 2))
    return min(2 * float(special.ndtr(z)) - 1, _ALMOST_ALL)
