"""Dose-response of each compound over the wells of all its plates, with the negative controls as dose 0."""

from typing import Final

import pandas as pd

from cell_pipelines.analysis.plates.controls import known_values
from cell_pipelines.analysis.plates.rules import NEGATIVE, POSITIVE, SAMPLE
from cell_pipelines.analysis.viability.dose_response import (
    DoseResponse,
    fit_dose_response,
    fit_measured_response,
)

DOSE_COLUMNS: Final = {
    "compound": "str", "wells": "int64", "ec50": "float64", "ec50_low": "float64",
    "ec50_high": "float64", "hill": "float64", "hill_low": "float64", "hill_high": "float64", "top_percent": "float64",
    "bottom_percent": "float64", "p_change": "float64", "note": "str",
}  # fmt: skip
POINT_COLUMNS: Final = {
    "compound": "str", "dose": "float64", "response_percent": "float64", "low_percent": "float64",
    "high_percent": "float64",
}  # fmt: skip
_LEAST_DOSES: Final = 2
_LEAST_CONTROLS: Final = 4  # wells of each control, of which standard deviations are taken
_LEAST_SCATTER: Final = 0.1  # standard deviation of one control relative to that of the other


def fit_compounds(wells: pd.DataFrame, *, as_shares: bool) -> dict[str, DoseResponse]:
    """Return the dose-response curve of each compound that has two concentrations or more.

    Args:
        wells: One row per well: `plate`, `role`, `compound`, `concentration`, and `part` and `whole` for shares, or
            `response_percent`.
        as_shares: Fit shares of cells by their binomial likelihood, whose curve is in per cent of the cells; else
            the response in per cent of the controls.

    Returns:
        By compound, in the order of the layout; controls are those of the compound's plates.
    """
    tested = wells[(wells["role"] == SAMPLE) & (wells["concentration"] > 0) & wells["compound"].notna()]
    doses = tested.groupby("compound", sort=False)["concentration"].nunique()
    fits: dict[str, DoseResponse] = {}
    for compound in map(str, doses.index[doses >= _LEAST_DOSES]):
        own = tested[tested["compound"] == compound]
        controls = wells[(wells["role"] == NEGATIVE) & wells["plate"].isin(own["plate"])]
        units = pd.concat([own, controls.assign(concentration=0.0)]).rename(columns={"concentration": "dose"})
        fits[compound] = _fit_shares(units) if as_shares else fit_measured_response(units, scatter=_scatter(wells, own))
    return fits


def _scatter(wells: pd.DataFrame, own: pd.DataFrame) -> tuple[float, float] | None:
    """Return the standard deviations of the positive and negative controls of a compound's plates, where known."""
    of_plates = wells[wells["plate"].isin(own["plate"])]
    controls = [known_values(of_plates, role, "response_percent") for role in (POSITIVE, NEGATIVE)]
    if min(values.size for values in controls) < _LEAST_CONTROLS:
        return None
    low, high = (float(values.std(ddof=1)) for values in controls)
    largest = max(low, high)
    return (max(low, _LEAST_SCATTER * largest), max(high, _LEAST_SCATTER * largest)) if largest > 0 else None


def _fit_shares(units: pd.DataFrame) -> DoseResponse:
    """Return the curve over wells, each of which is a unit: their scatter within a plate counts."""
    known = units[units["whole"] > 0]
    return fit_dose_response(known.assign(live=known["part"], total=known["whole"], series=known["plate"]))


def tabulate_doses(responses: dict[str, DoseResponse]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per compound with its curve's parameters, and the points of the curves, as `POINT_COLUMNS`."""
    rows, curves = [], []
    for compound, response in responses.items():
        named = response.parameters.set_index("parameter")
        ec50, hill = named.loc["ec50"], named.loc["hill"]
        rows.append({
            "compound": compound, "wells": response.n, "ec50": ec50["estimate"], "ec50_low": ec50["low"],
            "ec50_high": ec50["high"], "hill": hill["estimate"], "hill_low": hill["low"], "hill_high": hill["high"],
            "top_percent": named.loc["top_percent", "estimate"],
            "bottom_percent": named.loc["bottom_percent", "estimate"], "p_change": response.p_change,
            "note": response.note,
        })  # fmt: skip
        curves.append(
            response.curve.rename(columns={"viability_percent": "response_percent"}).assign(compound=compound)
        )
    table = pd.DataFrame(rows, columns=list(DOSE_COLUMNS)).astype(DOSE_COLUMNS)
    empty = pd.DataFrame(columns=list(POINT_COLUMNS))
    points = pd.concat(
        [empty.astype(POINT_COLUMNS), *(curve[list(POINT_COLUMNS)] for curve in curves)], ignore_index=True
    )
    return table, points.astype(POINT_COLUMNS)
