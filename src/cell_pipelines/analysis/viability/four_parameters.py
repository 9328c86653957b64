"""The four-parameter log-logistic curve: fitted to proportions by quasi-likelihood, with profile intervals.

viability(dose) = bottom + (top - bottom) / (1 + (dose / EC50) ^ hill), with top and bottom in [0, 1]; top is the
viability without the substance, bottom that of endless dose. Residuals are signed square roots of the binomial
deviance, so that least squares give the maximum of the likelihood; the scatter beyond it (Pearson's statistic over
its degrees of freedom) widens all intervals. Series of which each has an EC50 of its own scatter most where the curve
is steep: a parameter's variance is therefore at least that of the leverage-corrected sandwich over units, with
Satterthwaite's degrees of freedom (HC2; Bell & McCaffrey 2002, Survey Methodology 28:169). Where the same series occur
at several doses, the variance over series (likewise, as the jackknife) takes its place. Measured values, such as counts
of wells in per cent of the control, are fitted by least squares, weighted where their variance is known up to a factor.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, special

from cell_pipelines.analysis.viability.points import EDGE, MeasuredPoints, Points
from cell_pipelines.analysis.viability.sandwich import over_clusters, over_units
from cell_pipelines.typing import FloatArray

NAMES: Final = ("top", "bottom", "log10_ec50", "hill")
_SAFE: Final = 1e-9


@dataclass(frozen=True, eq=False)
class CurveFit:
    """A fitted curve.

    Attributes:
        points: What it was fitted to.
        values: (4,) the parameters of `NAMES`, hill as its natural logarithm.
        deviance: Twice what the log-likelihood lacks to that of a perfect fit.
        covariance: (4, 4) of the values, clustering and scatter included; 0 for those on their bounds.
        dispersion: Variance over the binomial one, of the units.
        widening: (4,) variance of each value over that of independent cells.
        freedom: (4,) degrees of freedom of the variance of each value.
    """

    points: Points | MeasuredPoints
    values: FloatArray
    deviance: float
    covariance: FloatArray
    dispersion: float
    widening: FloatArray
    freedom: FloatArray


def curve(values: FloatArray, log10_dose: FloatArray) -> FloatArray:
    """Return the proportion alive (N,) at each dose."""
    top, bottom, log10_ec50, log_hill = values
    slope = np.exp(log_hill) * np.log(10)
    return np.asarray(bottom + (top - bottom) * special.expit(slope * (log10_ec50 - log10_dose)))


def gradient(values: FloatArray, log10_dose: FloatArray) -> FloatArray:
    """Return how the proportion (N,) changes with each of the values, (N, 4)."""
    top, bottom, log10_ec50, log_hill = values
    slope = np.exp(log_hill) * np.log(10)
    finite = np.isfinite(log10_dose)
    distance = np.where(finite, log10_ec50 - np.where(finite, log10_dose, 0.0), 0.0)
    share = np.where(finite, special.expit(slope * distance), 1.0)
    steep = np.where(finite, (top - bottom) * share * (1 - share) * slope, 0.0)
    return np.stack([share, 1 - share, steep, steep * distance], axis=1)


def fit_curve(points: Points | MeasuredPoints) -> CurveFit:
    """Fit the curve; of the ends reached from the two best of several starting points, the better is taken."""
    starts = sorted(_starts(points), key=lambda start: _deviance(points, start))[:2]
    values, deviance = min((_minimise(points, start) for start in starts), key=lambda found: found[1])
    return _with_covariance(points, values, deviance)


def constant_deviance(points: Points | MeasuredPoints) -> float:
    """Return the deviance of one proportion for all doses."""
    return float((points.residuals(np.full(points.size, points.mean)) ** 2).sum())


def profile_interval(fit: CurveFit, index: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the values of a parameter that the data do not refuse: its profile deviance rises less than t^2 allows.

    Args:
        fit: The fitted curve.
        index: Which of `NAMES`.
        level: Level of the interval, in (0, 1).

    Returns:
        Both ends; the bound of top or bottom where it is not refused, otherwise -inf and inf (of hill as its
        logarithm, and of log10 EC50) where no value that way is.
    """
    quantile = float(special.stdtrit(fit.freedom[index], (1 + level) / 2))
    limit = fit.deviance + quantile**2 * fit.widening[index]
    low, high = (_end(fit, index, bound, limit) for bound in (side[index] for side in fit.points.bounds))
    return low, high


def _end(fit: CurveFit, index: int, bound: float, limit: float) -> float:
    best, near = float(fit.values[index]), fit.values
    known = {best: fit.deviance - limit}  # below 0

    def excess(value: float) -> float:
        nonlocal near
        if value not in known:
            near, deviance = _minimise(fit.points, near, {index: value})
            known[value] = deviance - limit
        return known[value]

    sign = 1.0 if bound > best else -1.0
    step = max(float(np.sqrt(fit.covariance[index, index])), 0.02)
    inner = best
    while True:
        outer = inner + sign * step
        if sign * (outer - bound) >= 0:
            outer = bound
        if excess(outer) > 0:
            break
        if outer == bound:
            return bound if index < 2 and fit.points.is_bounded else sign * np.inf
        inner, step = outer, 1.6 * step
    return float(optimize.brentq(excess, min(inner, outer), max(inner, outer), xtol=1e-4))


def _starts(points: Points | MeasuredPoints) -> Iterator[FloatArray]:
    low, high = points.bounds
    share = points.observed
    first, last = (
        share[points.log10_dose == dose].mean() for dose in (points.log10_dose.min(), points.log10_dose.max())
    )
    known = points.log10_dose[np.isfinite(points.log10_dose)]
    for log10_ec50 in np.quantile(known, [0.25, 0.5, 0.75]):
        for hill in (0.5, 1.0, 2.0, 4.0):
            yield np.clip(np.array([first, last, log10_ec50, np.log(hill)]), low + 0.01, high - 0.01)


def _minimise(
    points: Points | MeasuredPoints, start: FloatArray, fixed: dict[int, float] | None = None
) -> tuple[FloatArray, float]:
    fixed = fixed or {}
    free = [index for index in range(4) if index not in fixed]
    low, high = points.bounds
    base = start.copy()
    for index, value in fixed.items():
        base[index] = value

    def whole(part: FloatArray) -> FloatArray:
        values = base.copy()
        values[free] = part
        return values

    def residuals(part: FloatArray) -> FloatArray:
        return points.residuals(curve(whole(part), points.log10_dose))

    def jacobian(part: FloatArray) -> FloatArray:
        values = whole(part)
        share = curve(values, points.log10_dose)
        return points.slope(share)[:, None] * gradient(values, points.log10_dose)[:, free]

    inside = np.clip(base[free], low[free] + 1e-6, high[free] - 1e-6)
    found = optimize.least_squares(
        residuals, inside, jac=jacobian, bounds=(low[free], high[free]), x_scale="jac", xtol=1e-7, ftol=1e-9, gtol=1e-9
    )
    return whole(found.x), float(2 * found.cost)


def _deviance(points: Points | MeasuredPoints, values: FloatArray) -> float:
    return float((points.residuals(curve(values, points.log10_dose)) ** 2).sum())


def _with_covariance(points: Points | MeasuredPoints, values: FloatArray, deviance: float) -> CurveFit:
    low, high = points.bounds
    free = np.flatnonzero((values > low + EDGE) & (values < high - EDGE))
    share = curve(values, points.log10_dose)
    root, pearson = points.precision(share), points.pearson(share)
    residual_freedom = max(points.size - 4, 1)
    dispersion = max(float((pearson**2).sum()) / residual_freedom, _SAFE)
    design: FloatArray = root[:, None] * gradient(values, points.log10_dose)[:, free]
    inverse: FloatArray = np.asarray(np.linalg.pinv(design.T @ design), dtype=np.float64)
    freedom = np.full(4, float(residual_freedom))
    if points.has_one_variance:
        spread = dispersion * inverse
    elif points.clusters < points.size:
        spread, freedom[:] = over_clusters(points.cluster, design, inverse, pearson), points.clusters - 1
    else:
        factors, freedom[free] = over_units(design, inverse, pearson, dispersion)
        spread = dispersion * inverse * np.outer(factors, factors)
    covariance, widening = np.zeros((4, 4)), np.full(4, dispersion)
    covariance[np.ix_(free, free)] = spread
    alone = np.diag(inverse)  # 0 of a value that no unit tells, such as hill where none lies on the slope
    widening[free] = np.where(alone > _SAFE, np.diag(spread) / np.maximum(alone, _SAFE), dispersion)
    return CurveFit(points, values, deviance, covariance, dispersion, widening, freedom)
