"""95 % intervals of Z' and of its robust form, from the number, centre and scale of both controls.

Z' is 1 - 3 R, where R is the sum of both scales over the distance of both centres.

* With means and standard deviations: limits of each standard deviation by the chi-squared distribution, and of the
  distance by Welch's t, are joined by the method of variance estimates recovery (Donner & Zou 2012,
  doi:10.1177/0962280210383082).
* With medians and median absolute deviations: the delta method for log R, with their efficiency in normal values.

`benchmarks/z_prime_coverage.py` compares both with bootstrap intervals, which are too short for 8 to 32 wells.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy import special

#: Wells of a control from which on there is an interval.
LEAST_FOR_INTERVAL: Final = 4
_TAIL: Final = 0.025
# Of a median absolute deviation, against a standard deviation; and variance of a median, against that of a mean.
_EFFICIENCY, _MEDIAN_VARIANCE = 0.37, np.pi / 2


class Control(NamedTuple):
    """A control: number of wells, centre and scale of their values."""

    wells: int
    centre: float
    scale: float


def why_without_interval(negative: Control, positive: Control) -> str:
    """Return why there is no interval, as the end of a sentence; empty where there may be one."""
    if min(negative.wells, positive.wells) < LEAST_FOR_INTERVAL:
        return f"it needs {LEAST_FOR_INTERVAL} wells of each control or more"
    if negative.scale + positive.scale == 0:
        return "the controls do not scatter"
    return ""


def z_prime_interval(negative: Control, positive: Control) -> tuple[float, float]:
    """Return the ends of the interval of Z' with means and standard deviations.

    Returns:
        NaN where `why_without_interval` says so, or the distance of the means can't be told from 0.
    """
    if why_without_interval(negative, positive):
        return np.nan, np.nan
    total, distance = negative.scale + positive.scale, abs(negative.centre - positive.centre)
    limits = np.array([[_sd_limit(one, tail) for one in (negative, positive)] for tail in (_TAIL, 1 - _TAIL)])
    scales = np.array([negative.scale, positive.scale])
    low, high = total + np.array([-1, 1]) * np.sqrt(((limits - scales) ** 2).sum(axis=1))
    parts = scales**2 / [negative.wells, positive.wells]
    freedom = parts.sum() ** 2 / (parts**2 / [negative.wells - 1, positive.wells - 1]).sum()
    known = distance**2 - special.stdtrit(freedom, 1 - _TAIL) ** 2 * parts.sum()
    if known <= 0:
        return np.nan, np.nan
    product = total * distance
    least = (product - np.sqrt(product**2 - low * (2 * total - low) * known)) / known
    most = (product + np.sqrt(product**2 - high * (2 * total - high) * known)) / known
    return float(1 - 3 * most), float(1 - 3 * least)


def _sd_limit(control: Control, tail: float) -> float:
    freedom = control.wells - 1
    return control.scale * float(np.sqrt(freedom / special.chdtri(freedom, tail)))


def robust_z_prime_interval(negative: Control, positive: Control) -> tuple[float, float]:
    """Return the ends of the interval of Z' with medians and scaled median absolute deviations; NaN as for Z'."""
    distance = abs(negative.centre - positive.centre)
    if why_without_interval(negative, positive) or distance == 0:
        return np.nan, np.nan
    scales, wells = np.array([negative.scale, positive.scale]), np.array([negative.wells, positive.wells])
    freedoms = _EFFICIENCY * (wells - 1)
    of_scales = scales**2 / (2 * freedoms)
    variance = of_scales.sum() / scales.sum() ** 2 + _MEDIAN_VARIANCE * (scales**2 / wells).sum() / distance**2
    freedom = of_scales.sum() ** 2 / (of_scales**2 / freedoms).sum()
    factor = np.exp(special.stdtrit(freedom, 1 - _TAIL) * np.sqrt(variance))
    ratio = scales.sum() / distance
    return float(1 - 3 * ratio * factor), float(1 - 3 * ratio / factor)
