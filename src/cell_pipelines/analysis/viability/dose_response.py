"""Dose-response of viability: a four-parameter log-logistic curve with intervals that respect series and fields.

Units are the fields of a series at one dose together, where every dose has two series or more, otherwise fields.
Intervals are profile likelihoods widened by the scatter of the units; where series occur at several doses, by the
variance over series. How often those of EC50 hold the truth is simulated in `benchmarks/ec50_coverage.py`: 93 to 97 %
with three units at each of four doses, 89 % with five that each have an EC50 of their own.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from cell_pipelines.analysis.viability.four_parameters import (
    CurveFit,
    constant_deviance,
    curve,
    fit_curve,
    gradient,
    profile_interval,
)
from cell_pipelines.analysis.viability.points import MeasuredPoints, Points
from cell_pipelines.analysis.viability.summary import ALL

PARAMETERS: Final = ("top_percent", "bottom_percent", "log10_ec50", "ec50", "hill")
PARAMETER_COLUMNS: Final = {"parameter": "str", "estimate": "float64", "low": "float64", "high": "float64"}
CURVE_COLUMNS: Final = {
    "dose": "float64", "viability_percent": "float64", "low_percent": "float64", "high_percent": "float64",
}  # fmt: skip
_LEAST_DOSES: Final = 4  # above 0, for as many parameters
_ALPHA: Final = 0.05  # of the test whether viability changes at all
_CURVE_POINTS: Final = 101


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """A fitted dose-response curve, or why there is none.

    Attributes:
        parameters: A row each of `PARAMETERS`, columns `PARAMETER_COLUMNS`; all nan where nothing was fitted. An end
            may be infinite (or 0 of EC50 and hill), where the data do not bound the parameter.
        curve: The curve over the doses above 0, evenly on a logarithmic axis, and at 0 where that was tested, with
            the pointwise interval; columns `CURVE_COLUMNS`; no row where nothing was fitted.
        unit: What counts as independent, `series` or `field`.
        n: Number of units: pairs of a series and a dose, or fields.
        fields: Number of fields with a dose and cells.
        series: Number of series among them.
        p_change: p of the hypothesis that viability is the same at all doses; nan where nothing was fitted.
        extrapolated: Whether EC50 lies outside the doses above 0.
        level: Level of the intervals.
        note: What must be known, in sentences; empty where all is well.
    """

    parameters: pd.DataFrame
    curve: pd.DataFrame
    unit: str
    n: int
    fields: int
    series: int
    p_change: float
    extrapolated: bool
    level: float
    note: str


def fit_dose_responses(fields: pd.DataFrame, *, level: float = 0.95) -> dict[str, DoseResponse]:
    """Fit a curve for each condition that has doses.

    Args:
        fields: As in `fit_dose_response`.
        level: Level of the intervals, in (0, 1).

    Returns:
        The curve of each condition with two or more doses above 0. Conditions of which all doses are 0 are controls,
        and count for every curve. Where no condition has two such doses, because each dose is a condition of its own
        or conditions are not known, one curve of all fields, named `all`; nothing where no dose above 0 is known.
    """
    known = fields[fields["dose"].notna()]
    tested = known[known["dose"] != 0]
    if tested.empty:
        return {}
    doses = tested.groupby("condition", sort=False)["dose"].nunique()
    names = [str(name) for name in doses.index[doses >= 2]]
    if not names:
        return {ALL: fit_dose_response(fields, level=level)}
    control = ~known["condition"].isin(tested["condition"]) & (known["dose"] == 0)
    return {name: fit_dose_response(known[control | (known["condition"] == name)], level=level) for name in names}


def fit_dose_response(fields: pd.DataFrame, *, level: float = 0.95) -> DoseResponse:
    """Fit one four-parameter log-logistic curve.

    viability = bottom + (top - bottom) / (1 + (dose / EC50) ^ hill), where top is the viability without the substance.
    A substance that keeps cells alive has a bottom above its top.

    Args:
        fields: One row per field: `dose` (0 is a control), `series`, `live`, `total`, as `counting.count_viability`
            gives. Fields without cells and fields whose dose is not known are left out, and told in the note.
        level: Level of the intervals, in (0, 1).

    Returns:
        The curve. Nothing is fitted, and the note says why, for fewer than four doses above 0, or fewer than five
        units. Where viability does not change with dose (F test, p of 0.05 or more), EC50 and hill mean nothing, and
        are nan.

    Raises:
        ValueError: A dose is negative or infinite, or `level` is not in (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    dose = fields["dose"].to_numpy(dtype=np.float64)
    wrong = dose[(dose < 0) | np.isinf(dose)]
    if wrong.size:
        raise ValueError(f"`dose` must be 0 or a finite number above 0, got {wrong[0]:g}.")
    used = fields[fields["dose"].notna() & (fields["total"] > 0)]
    unit, units = _units(used)
    left_out = len(fields) - len(used)
    notes = [f"{left_out} of {len(fields)} fields without cells or dose are left out."] if left_out else []
    if unit == "field" and len(used):
        notes.append("Fields count as independent: differences between series are not accounted for.")
    base: dict[str, Any] = {
        "unit": unit, "n": len(units), "fields": len(used), "series": int(used["series"].nunique()), "level": level,
    }  # fmt: skip
    problem = _problem(units)
    if problem:
        return DoseResponse(_no_parameters(), _no_curve(), **base, p_change=np.nan, extrapolated=False,
                            note=" ".join([*notes, problem]))  # fmt: skip
    return _fit(_points(units, unit), units, base, notes)


def fit_measured_response(
    wells: pd.DataFrame, *, scatter: tuple[float, float] | None = None, level: float = 0.95
) -> DoseResponse:
    """Fit the same curve to values in per cent that were measured, such as counts in per cent of the control.

    Args:
        wells: One row per independent unit: `dose` (0 is a control) and `response_percent`; rows without either are
            left out.
        scatter: Standard deviations, above 0, of units whose response is 0 and 100; in between they are taken for
            linear, by a first fit. None where all units scatter alike.
        level: Level of the intervals, in (0, 1).

    Returns:
        As `fit_dose_response`, with values that may be below 0 and above 100; columns that are called
        `viability_percent` there hold the response. Top and bottom have no bounds.
    """
    units = wells[wells["dose"].notna() & np.isfinite(wells["response_percent"])].reset_index(drop=True)
    base: dict[str, Any] = {"unit": "well", "n": len(units), "fields": len(units), "series": 0, "level": level}
    problem = _problem(units, "wells")
    if problem:
        return DoseResponse(_no_parameters(), _no_curve(), **base, p_change=np.nan, extrapolated=False, note=problem)
    values = units["response_percent"].to_numpy(dtype=np.float64) / 100
    points = MeasuredPoints(_log10_dose(units), values, np.ones(len(units)), np.arange(len(units)))
    if scatter is not None:
        expected = curve(fit_curve(points).values, points.log10_dose)
        points = replace(points, sd=np.interp(expected, [0.0, 1.0], scatter) / max(scatter))
    return _fit(points, units, base, [])


def _fit(points: Points | MeasuredPoints, units: pd.DataFrame, base: dict[str, Any], notes: list[str]) -> DoseResponse:
    fit = fit_curve(points)
    p = _change(fit)
    parameters, extrapolated, told = _assess(fit, units, p, base["level"])
    return DoseResponse(parameters, _tabulate(fit, units, base["level"]), **base, p_change=p, extrapolated=extrapolated,
                        note=" ".join([*notes, *told]))  # fmt: skip


def _units(fields: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return what is independent, and live and total of each unit."""
    by_dose = fields.groupby("dose")["series"].nunique()
    if fields["series"].notna().all() and len(fields) and (by_dose >= 2).all():
        return "series", fields.groupby(["series", "dose"], sort=False)[["live", "total"]].sum().reset_index()
    return "field", fields[["series", "dose", "live", "total"]].reset_index(drop=True)


def _problem(units: pd.DataFrame, noun: str = "fields") -> str:
    doses = units.loc[units["dose"] > 0, "dose"].nunique()
    if doses < _LEAST_DOSES:
        return f"No curve was fitted: it needs {_LEAST_DOSES} doses above 0 or more, got {doses}."
    if len(units) <= _LEAST_DOSES:
        return f"No curve was fitted: it needs 5 {noun} with a dose or more, got {len(units)}."
    return ""


def _points(units: pd.DataFrame, unit: str) -> Points:
    cluster = pd.factorize(units["series"])[0] if unit == "series" else np.arange(len(units))
    live, total = (units[name].to_numpy(dtype=np.float64) for name in ("live", "total"))
    return Points(_log10_dose(units), live, total, np.asarray(cluster, dtype=np.int64))


def _log10_dose(units: pd.DataFrame) -> npt.NDArray[np.float64]:
    dose = units["dose"].to_numpy(dtype=np.float64)
    log10_dose = np.full(dose.size, -np.inf)
    log10_dose[dose > 0] = np.log10(dose[dose > 0])
    return log10_dose


def _change(fit: CurveFit) -> float:
    """Return p of the F test of the curve against one viability for all doses."""
    gain = max(constant_deviance(fit.points) - fit.deviance, 0.0)
    return float(stats.f.sf(gain / 3 / fit.dispersion, 3, max(fit.points.size - 4, 1)))


def _assess(fit: CurveFit, units: pd.DataFrame, p: float, level: float) -> tuple[pd.DataFrame, bool, list[str]]:
    """Return the parameters, whether EC50 is extrapolated, and what is to be said of both."""
    table = _no_parameters().set_index("parameter")
    changes = p < _ALPHA
    for index, name in enumerate(("top_percent", "bottom_percent", "log10_ec50", "hill")):
        if changes or index < 2:
            ends = (float(fit.values[index]), *profile_interval(fit, index, level=level))
            table.loc[name] = [100 * end for end in ends] if index < 2 else list(np.exp(ends) if index == 3 else ends)
    table.loc["ec50"] = 10 ** table.loc["log10_ec50"]
    parameters = table.reset_index().astype(PARAMETER_COLUMNS)
    measured = "Viability" if fit.points.is_bounded else "The response"
    if not changes:
        return parameters, False, [f"{measured} does not change with dose (p = {p:.2g}): there is no EC50."]
    doses = units.loc[units["dose"] > 0, "dose"]
    ec50 = float(10 ** fit.values[2])
    if doses.min() <= ec50 <= doses.max():
        return parameters, False, []
    told = f"EC50 ({ec50:.3g}) lies outside the tested doses ({doses.min():g} to {doses.max():g}): it is extrapolated."
    return parameters, True, [told]


def _tabulate(fit: CurveFit, units: pd.DataFrame, level: float) -> pd.DataFrame:
    positive = np.log10(units.loc[units["dose"] > 0, "dose"].to_numpy(dtype=np.float64))
    log10_dose = np.linspace(positive.min(), positive.max(), _CURVE_POINTS)
    if (units["dose"] == 0).any():
        log10_dose = np.append(-np.inf, log10_dose)
    share, slopes = curve(fit.values, log10_dose), gradient(fit.values, log10_dose)
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, fit.covariance, slopes), 0))
    half = float(special.stdtrit(fit.freedom[2], (1 + level) / 2)) * error
    ends = [share, share - half, share + half]
    if fit.points.is_bounded:
        ends = [np.clip(value, 0, 1) for value in ends]
    values = dict(zip(CURVE_COLUMNS, [10**log10_dose, *(100 * end for end in ends)], strict=True))
    return pd.DataFrame(values).astype(CURVE_COLUMNS)


def _no_parameters() -> pd.DataFrame:
    return pd.DataFrame({"parameter": list(PARAMETERS)}, columns=list(PARAMETER_COLUMNS)).astype(PARAMETER_COLUMNS)


def _no_curve() -> pd.DataFrame:
    return pd.DataFrame(columns=list(CURVE_COLUMNS)).astype(CURVE_COLUMNS)
