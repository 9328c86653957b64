"""Every two models against each other in one metric: difference, interval, test, size of the effect."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from cell_pipelines.analysis.model_comparison.aligned_counts import AlignedCounts, MeasuredModels, measure
from cell_pipelines.analysis.model_comparison.cautions import caution_of
from cell_pipelines.analysis.model_comparison.resampling import (
    bca_intervals,
    leave_one_out,
    percentile_intervals,
    resample_totals,
)
from cell_pipelines.analysis.model_comparison.series import intraclass_correlation
from cell_pipelines.analysis.model_comparison.signed_ranks import signed_rank_tests
from cell_pipelines.analysis.multiple_testing import adjust_holm
from cell_pipelines.metrics.jackknife import jackknife_intervals, join_intervals, small_sample_level
from cell_pipelines.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd


ESTIMATES: Final = {
    "metric": "str", "model": "str", "images": "int64", "units": "int64", "value": "float64", "low": "float64",
    "high": "float64",
}  # fmt: skip
TESTS: Final = {
    "metric": "str", "first": "str", "second": "str", "images": "int64", "units": "int64", "difference": "float64",
    "low": "float64", "high": "float64", "units_tested": "int64", "p": "float64", "p_holm": "float64",
    "rank_biserial": "float64", "significant": "bool", "p_series": "float64", "icc": "float64", "caution": "str",
}  # fmt: skip


def compare_metric(
    aligned: AlignedCounts, measured: MeasuredModels, *, level: float, n_resamples: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the numbers of all models and of all pairs in one metric.

    Args:
        aligned: The models.
        measured: Their metric.
        level: Of the intervals; what is less likely than 1 - `level` tells models apart.
        n_resamples: Samples of units, drawn once for all models.
        seed: Of the draws.

    Returns:
        One row per model with the columns `ESTIMATES`, and one row per pair with the columns `TESTS`.
    """
    metric = measured.metric
    samples = metric.of_totals(resample_totals(measured.totals, n_resamples=n_resamples, seed=seed))
    without = metric.of_totals(leave_one_out(measured.totals))
    wide = small_sample_level(level, aligned.n_units)
    low, high = join_intervals(
        bca_intervals(measured.estimates, samples, without, level=wide),
        jackknife_intervals(measured.estimates, without, level=level, scale=metric.scale),
    )
    key = {"metric": metric.name, "images": len(aligned.images), "units": aligned.n_units}
    estimates = _frame({**key, "model": aligned.models, "value": measured.estimates, "low": low, "high": high})
    first, second = pair_places(len(aligned.models))
    difference = measured.estimates[first] - measured.estimates[second]
    ends = join_intervals(
        percentile_intervals(samples[:, first] - samples[:, second], level=wide),
        jackknife_intervals(difference, without[:, first] - without[:, second], level=level, scale="identity"),
    )
    if metric.higher_is_better:  # of shares, which differ by 1 at most
        ends = np.clip(ends[0], -1.0, 1.0), np.clip(ends[1], -1.0, 1.0)
    p, effect, tested = signed_rank_tests(_unit_differences(measured, first, second))
    p_series, icc = _over_series(aligned, measured, first, second)
    adjusted = adjust_holm(p)
    # Without an interval, as where every image differs by the same, the test alone tells.
    apart = ~((ends[0] <= 0) & (ends[1] >= 0)) & (adjusted < 1 - level)
    if aligned.series is not None and not aligned.independent:
        apart &= p_series < 1 - level
    names = np.array(aligned.models, dtype=object)
    pairs = _frame(
        {**key, "first": names[first], "second": names[second], "difference": difference, "low": ends[0],
         "high": ends[1], "units_tested": tested, "p": p, "p_holm": adjusted, "rank_biserial": effect,
         "significant": apart, "p_series": p_series, "icc": icc}
    )  # fmt: skip
    pairs["caution"] = [caution_of(row, aligned, level=level) for row in pairs.to_dict("records")]
    return estimates[list(ESTIMATES)].astype(ESTIMATES), pairs[list(TESTS)].astype(TESTS)


def _over_series(
    aligned: AlignedCounts, measured: MeasuredModels, first: IntArray, second: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return p after Holm over the series that images may belong to, and the correlation within them, (P,) each."""
    unknown = np.full(len(first), np.nan)
    units = aligned.units if aligned.grouped else None if aligned.series is None else aligned.series.units
    if units is None or not len(first):
        return unknown, unknown
    p = unknown
    if aligned.series is not None:
        differences = _unit_differences(measure(aligned, measured.metric, units), first, second)
        p = adjust_holm(signed_rank_tests(differences)[0])
    if aligned.series is not None and aligned.series.origin == "order":
        return p, unknown
    images = measure(aligned, measured.metric, np.arange(len(aligned.images)))
    return p, intraclass_correlation(_unit_differences(images, first, second), units)


def pair_places(count: int) -> tuple[IntArray, IntArray]:
    """Return the places of the first and the second of every pair of `count` models."""
    pairs = np.array(list(combinations(range(count), 2)), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _unit_differences(measured: MeasuredModels, first: IntArray, second: IntArray) -> FloatArray:
    """Return unit by unit by how much the first is above the second, (U, P).

    0/0 is a unit without cells in which the model sees none: where the other model does see some, it is right, 1.
    """
    one, other = measured.values[:, first], measured.values[:, second]
    either = np.isfinite(one) | np.isfinite(other)
    difference = np.where(np.isnan(one), 1.0, one) - np.where(np.isnan(other), 1.0, other)
    lacking = np.isnan(measured.estimates) & np.isnan(measured.totals).any(axis=(0, 2))
    return np.where(either & ~(lacking[first] | lacking[second]), difference, np.nan)


def _frame(columns: dict[str, object]) -> pd.DataFrame:
    import pandas as pd

    length = next(len(value) for value in columns.values() if isinstance(value, tuple | np.ndarray))
    return pd.DataFrame({name: _column(value) for name, value in columns.items()}, index=range(length))


def _column(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
