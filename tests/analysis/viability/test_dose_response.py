"""Dose-response curves find the truth, agree with SciPy, and say so where there is none."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

from cell_pipelines.analysis.viability.dose_response import (
    CURVE_COLUMNS,
    PARAMETERS,
    fit_dose_response,
    fit_dose_responses,
    fit_measured_response,
)
from cell_pipelines.analysis.viability.four_parameters import curve, fit_curve, gradient, profile_interval
from cell_pipelines.analysis.viability.points import Points

Make = Callable[..., pd.DataFrame]
DOSES = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
TRUTH = np.array([0.95, 0.05, 0.1, np.log(1.5)])


def log10_of(doses: tuple[float, ...]) -> np.ndarray:
    return np.array([np.log10(dose) if dose else -np.inf for dose in doses])


def draw(
    rng: np.random.Generator, *, doses: tuple[float, ...] = DOSES, series: int = 3, cells: int = 150, rho: float = 0.0
) -> list[tuple]:
    """Draw a field a series and dose."""
    rows = []
    for dose, p in zip(doses, curve(TRUTH, log10_of(doses)), strict=True):
        for place in range(series):
            share = rng.beta(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho) if rho else p
            rows.append((f"s{place}", "drug", dose, rng.binomial(cells, share), cells))
    return rows


def value(table: pd.DataFrame, name: str, column: str = "estimate") -> float:
    return float(table.loc[table["parameter"] == name, column].iloc[0])


def test_a_clean_case_agrees_with_scipys_curve_fit(make_fields: Make) -> None:
    cells = 100_000
    rows = [(f"s{i}", "d", dose, round(cells * p), cells)
            for i in range(2) for dose, p in zip(DOSES, curve(TRUTH, log10_of(DOSES)), strict=True)]  # fmt: skip
    fields = make_fields(rows)
    found = fit_dose_response(fields).parameters

    def model(dose: np.ndarray, top: float, bottom: float, ec50: float, hill: float) -> np.ndarray:
        return bottom + (top - bottom) / (1 + (dose / ec50) ** hill)

    fitted, _ = optimize.curve_fit(model, fields["dose"], fields["live"] / cells, p0=[0.9, 0.1, 1, 1])
    ours = [value(found, name) for name in ("top_percent", "bottom_percent", "ec50", "hill")]
    assert ours == pytest.approx([100 * fitted[0], 100 * fitted[1], fitted[2], fitted[3]], rel=1e-3)
    assert ours == pytest.approx([95, 5, 10**0.1, 1.5], rel=1e-3)


def test_the_truth_lies_in_the_intervals_and_the_band(make_fields: Make) -> None:
    result = fit_dose_response(make_fields(draw(np.random.default_rng(2))))
    table = result.parameters
    assert table["parameter"].tolist() == list(PARAMETERS)
    for name, truth in zip(PARAMETERS, (95, 5, 0.1, 10**0.1, 1.5), strict=True):
        assert value(table, name, "low") < truth < value(table, name, "high")
    assert list(result.curve.columns) == list(CURVE_COLUMNS)
    assert result.curve.loc[0, "dose"] == 0
    truth = 100 * curve(TRUTH, log10_of(tuple(result.curve["dose"])))
    assert np.mean(result.curve["low_percent"].le(truth) & result.curve["high_percent"].ge(truth)) > 0.9
    assert (result.unit, result.n, result.fields, result.series, result.note) == ("series", 21, 21, 3, "")
    assert not result.extrapolated
    assert result.p_change < 1e-6


@pytest.mark.exhaustive
@pytest.mark.parametrize(("series", "rho"), [(2, 0.0), (3, 0.03)])
def test_the_interval_of_ec50_covers(series: int, rho: float) -> None:
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(300):
        rows = draw(rng, series=series, rho=rho)
        dose, live, total = (np.array([row[i] for row in rows], dtype=float) for i in (2, 3, 4))
        fit = fit_curve(Points(log10_of(tuple(dose)), live, total, np.arange(len(rows))))
        low, high = profile_interval(fit, 2)
        hits.append(low <= TRUTH[2] <= high)
    assert np.mean(hits) >= 0.92


def test_series_with_an_ec50_of_their_own_widen_its_interval_as_their_scatter_says() -> None:
    shifts = np.array([-0.25, 0.0, 0.25])  # of the units at the one dose where the curve is steep
    dose = np.repeat(log10_of((0.0, 0.01, 1.26, 100.0, 1000.0)), 3)
    share = np.array(
        [curve(TRUTH + [0, 0, shift, 0], np.array([x]))[0] for x, shift in zip(dose, np.tile(shifts, 5), strict=True)]
    )
    fit = fit_curve(Points(dose, np.round(400 * share), np.full(15, 400.0), np.arange(15)))
    assert fit.widening[2] > 2 * fit.dispersion
    assert fit.freedom[2] < 6 < 11 <= 15 - 4
    assert fit.widening[0] == pytest.approx(fit.dispersion)


@pytest.mark.exhaustive
def test_ec50_of_own_series_at_each_dose_is_covered() -> None:
    rng, truth, hits = np.random.default_rng(6), np.array([0.92, 0.08, np.log10(0.5), np.log(2)]), []
    dose = np.repeat(log10_of((0.0, 0.1, 0.5, 2.0, 10.0)), 3)
    for _ in range(600):  # 0.921 of 1,500; of 300 it was 0.91
        shift = rng.normal(0, 0.15, 15)
        p = np.array([curve(truth + [0, 0, s, 0], np.array([x]))[0] for x, s in zip(dose, shift, strict=True)])
        live = rng.binomial(150, rng.beta(p * 0.97 / 0.03, (1 - p) * 0.97 / 0.03)).astype(float)
        low, high = profile_interval(fit_curve(Points(dose, live, np.full(15, 150.0), np.arange(15))), 2)
        hits.append(low <= truth[2] <= high)
    assert np.mean(hits) >= 0.92


def test_the_gradient_is_that_of_the_curve() -> None:
    doses = log10_of((0.0, 0.5, 4.0))
    numeric = optimize.approx_fprime(TRUTH, lambda v: curve(v, doses), 1e-7)
    assert gradient(TRUTH, doses) == pytest.approx(numeric, abs=1e-5)


def test_series_that_differ_together_widen_the_interval_of_ec50(make_fields: Make) -> None:
    rows = []
    for place, shift in enumerate((-0.4, -0.1, 0.1, 0.4)):
        p = curve(TRUTH + [0, 0, shift, 0], log10_of(DOSES))
        rows += [(f"s{place}", "d", dose, round(400 * q), 400) for dose, q in zip(DOSES, p, strict=True)]
    paired = fit_dose_response(make_fields(rows)).parameters
    width = value(paired, "log10_ec50", "high") - value(paired, "log10_ec50", "low")
    assert 0.7 < width < 1.8  # of a mean of four with t(3): 2 * 3.18 * 0.34 / 2 = 1.08


def test_a_substance_that_keeps_cells_alive_has_a_bottom_above_its_top(make_fields: Make) -> None:
    fields = make_fields(draw(np.random.default_rng(3)))
    table = fit_dose_response(fields.assign(live=fields["dead"])).parameters
    assert value(table, "bottom_percent") > 90 > 10 > value(table, "top_percent")
    assert value(table, "hill") > 0


def test_too_few_doses_or_fields_are_a_sentence_not_a_crash(make_fields: Make) -> None:
    rows = draw(np.random.default_rng(0), doses=(0.0, 1.0, 3.0, 10.0))
    result = fit_dose_response(make_fields(rows))
    assert "needs 4 doses above 0 or more, got 3" in result.note
    assert result.parameters[["estimate", "low", "high"]].isna().all(axis=None)
    assert result.curve.empty
    few = fit_dose_response(make_fields(draw(np.random.default_rng(0), doses=DOSES[1:5], series=1)))
    assert "needs 5 fields with a dose or more, got 4" in few.note
    nothing = fit_dose_response(make_fields(rows)[:0])
    assert "got 0" in nothing.note


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_no_change_with_dose_has_no_ec50(make_fields: Make, share: float) -> None:
    rows = [
        (f"s{i}", "d", dose, round(share * 100) + (i - 1) * (0 < share < 1), 100) for dose in DOSES for i in range(3)
    ]
    result = fit_dose_response(make_fields(rows))
    assert "does not change with dose" in result.note
    assert np.isnan(value(result.parameters, "ec50"))
    assert len(result.curve) == 102


def test_an_ec50_beyond_the_doses_is_told(make_fields: Make) -> None:
    doses = (0.0, 0.01, 0.03, 0.1, 0.3, 0.6)
    result = fit_dose_response(make_fields(draw(np.random.default_rng(1), doses=doses, cells=2000)))
    assert result.extrapolated
    assert "lies outside the tested doses (0.01 to 0.6)" in result.note


def test_fields_left_out_are_told_and_wrong_doses_refused(make_fields: Make) -> None:
    rows = [*draw(np.random.default_rng(1)), ("s1", "drug", np.nan, 5, 10), ("s1", "drug", 1.0, 0, 0)]
    assert "2 of 23 fields without cells or dose are left out" in fit_dose_response(make_fields(rows)).note
    with pytest.raises(ValueError, match="`dose` must be 0 or a finite number above 0, got -1"):
        fit_dose_response(make_fields([("s", "c", -1.0, 1, 2)]))


def test_each_condition_has_its_curve_and_all_share_the_control(make_fields: Make) -> None:
    rows = draw(np.random.default_rng(1), doses=DOSES[1:])
    both = make_fields([*rows, *[("s0", "other", *row[2:]) for row in rows], ("s0", "none", 0.0, 140, 150)])
    results = fit_dose_responses(both)
    assert list(results) == ["drug", "other"]
    assert [result.fields for result in results.values()] == [19, 19]
    own = both.assign(condition=both["dose"].map(str))
    assert list(fit_dose_responses(own)) == ["all"]
    assert fit_dose_responses(both.assign(dose=np.nan)) == {}


def measured_wells(noise: float, *, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    dose = np.concatenate([np.zeros(8), np.repeat(10.0 ** np.arange(-3, 3), 2)])
    response = 10 + 95 / (1 + (dose / 0.3) ** 1.2)
    return pd.DataFrame({"dose": dose, "response_percent": response + rng.normal(0, noise, dose.size)})


def test_measured_values_give_the_least_squares_of_scipy() -> None:
    wells = measured_wells(4.0, seed=1)
    response = fit_measured_response(wells)
    named = response.parameters.set_index("parameter")

    def formula(dose: np.ndarray, top: float, bottom: float, ec50: float, hill: float) -> np.ndarray:
        return np.asarray(bottom + (top - bottom) / (1 + (dose / ec50) ** hill))

    values, _ = optimize.curve_fit(formula, wells["dose"], wells["response_percent"], p0=(100, 10, 0.5, 1))
    found = named.loc[["top_percent", "bottom_percent", "ec50", "hill"], "estimate"]
    assert_allclose(found.to_numpy(dtype=np.float64), values, rtol=1e-3)
    assert (named["low"] < named["estimate"]).all() and (named["estimate"] < named["high"]).all()
    assert (response.unit, response.n, response.note) == ("well", 20, "")


def test_known_scatter_counts_precise_wells_more() -> None:
    wells = measured_wells(0.0, seed=0)
    shifted = wells.assign(response_percent=wells["response_percent"] + np.where(wells["dose"] == 0, [0, 12] * 10, 0.0))
    alike, weighted = (fit_measured_response(shifted, scatter=scatter) for scatter in (None, (1.0, 20.0)))
    bottoms = [one.parameters.set_index("parameter").loc["bottom_percent", "estimate"] for one in (weighted, alike)]
    assert abs(bottoms[0] - 10) < abs(bottoms[1] - 10)


def test_too_few_wells_with_a_dose_are_a_sentence() -> None:
    response = fit_measured_response(pd.DataFrame({"dose": [0.0, 1.0], "response_percent": [100.0, 50.0]}))
    assert "needs 4 doses above 0 or more, got 1" in response.note and response.curve.empty
