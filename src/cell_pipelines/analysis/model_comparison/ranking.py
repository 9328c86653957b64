"""Models ranked image by image: average ranks, Friedman's test, and which do not differ significantly (Demšar 2006).

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006) 1-30; here the images take the
place of the data sets. Ranks say how often a model is better, not by how much.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from cell_pipelines.analysis.model_comparison.aligned_counts import AlignedCounts, MeasuredModels, measure
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd


RANKS: Final = {
    "metric": "str", "model": "str", "average_rank": "float64", "units_ranked": "int64", "friedman_chi2": "float64",
    "friedman_p": "float64", "critical_difference": "float64", "cliques": "str",
}  # fmt: skip
_DECIMALS: Final = 12


def rank_metric(aligned: AlignedCounts, measured: MeasuredModels, *, level: float) -> pd.DataFrame:
    """Return the ranks of all models in one metric.

    Args:
        aligned: The models.
        measured: Their metric.
        level: What is less likely than 1 - `level` tells models apart.

    Returns:
        One row per model, the best first, with the columns `RANKS`. Rank 1 is the best; equal models share the mean of
        their ranks. Units in which the metric is 0/0 for every model are left out. `cliques` numbers the groups of
        models that do not differ significantly, several joined by ``+``, and is empty for a model in none; where
        Friedman's test over units, or over the series that they may come in, finds no difference, all are one group. A
        model without the metric has no rank; fewer than two models have no test.
    """
    import pandas as pd

    has = np.zeros(len(aligned.models), dtype=np.bool_)
    if measured.totals.size:
        has = np.asarray(~np.isnan(measured.totals).any(axis=(0, 2)))
    values = _comparable(measured.values[:, has]) * (1 if measured.metric.higher_is_better else -1)
    table = pd.DataFrame({"metric": measured.metric.name, "model": list(aligned.models)}, columns=list(RANKS))
    table["units_ranked"] = np.where(has, len(values), 0)
    table["cliques"] = ""
    if len(values):
        # Ranks of equal values must be equal, which rounding would break.
        ranks = stats.rankdata(-np.round(values, _DECIMALS), axis=1)
        chi2, p = friedman(ranks)
        distance = critical_difference(ranks.shape[1], len(ranks), level=level)
        p_series = _friedman_over_series(aligned, measured, has)
        average = ranks.mean(axis=0)
        table.loc[has, "average_rank"] = average
        table.loc[has, ["friedman_chi2", "friedman_p", "critical_difference"]] = [chi2, p, distance]
        table.loc[has, "cliques"] = _number(
            find_cliques(average, distance if max(p, p_series) < 1 - level else math.inf), len(average)
        )
    return table.astype(RANKS).sort_values("average_rank", kind="stable", ignore_index=True)


def _friedman_over_series(aligned: AlignedCounts, measured: MeasuredModels, has: npt.NDArray[np.bool_]) -> float:
    """Return Friedman's p over the series that images may belong to; 0 where they are known or independent."""
    if aligned.series is None or aligned.independent:
        return 0.0
    values = _comparable(measure(aligned, measured.metric, aligned.series.units).values[:, has])
    return friedman(stats.rankdata(np.round(values, _DECIMALS), axis=1))[1]


def friedman(ranks: FloatArray) -> tuple[float, float]:
    """Test whether models that are ranked in each unit differ at all.

    The statistic is corrected for ties as in Conover (1999), section 5.8; SciPy's is the same but refuses two models,
    for which it is that of the sign test, whose p is exact: that of chi-squared is too small for few units.

    Args:
        ranks: (U, M) of M models in U units, each row of ranks from 1 with ties at their mean.

    Returns:
        Chi-squared with M - 1 degrees of freedom, and p; 0 and 1 where all is tied, nan for fewer than two models.
    """
    units, models = ranks.shape
    if models < 2 or not units:
        return math.nan, math.nan
    midpoint = (models + 1) / 2
    spread = float(((ranks - midpoint) ** 2).sum())
    if not spread:
        return 0.0, 1.0
    if models == 2:
        above, below = int((ranks[:, 0] > midpoint).sum()), int((ranks[:, 0] < midpoint).sum())
        p = float(stats.binomtest(above, above + below).pvalue)
        return (above - below) ** 2 / (above + below), p
    between = float(((ranks.sum(axis=0) - units * midpoint) ** 2).sum())
    chi2 = (models - 1) * between / spread
    return chi2, float(stats.chi2.sf(chi2, models - 1))


@functools.lru_cache(maxsize=256)
def critical_difference(models: int, units: int, *, level: float = 0.95) -> float:
    """Return by how much average ranks must differ to tell models apart after Nemenyi.

    q sqrt(M (M + 1) / 6 U) with q the quantile of the studentised range of M means with infinitely many degrees of
    freedom, divided by the root of 2 (Demšar 2006, section 3.2.2).

    Args:
        models: M, how many are ranked; nan below two.
        units: U, in how many units.
        level: In (0, 1).
    """
    if models < 2 or units < 1:
        return math.nan
    q = float(stats.studentized_range.ppf(level, models, np.inf)) / math.sqrt(2)
    return q * math.sqrt(models * (models + 1) / (6 * units))


def find_cliques(average: FloatArray, distance: float) -> list[list[int]]:
    """Return the largest groups of models whose average ranks all lie within a distance, the best first.

    Args:
        average: (M,) average ranks.
        distance: Critical difference; ranks this far apart or farther differ significantly.

    Returns:
        Places of models, two or more each; no group lies within another.
    """
    order = np.argsort(average, kind="stable")
    ordered = average[order]
    ends = [int(np.searchsorted(ordered, low + distance, side="left")) for low in ordered]
    reached, found = 0, []
    for start, end in enumerate(ends):
        if end > reached and end - start > 1:
            found.append(order[start:end].tolist())
        reached = max(reached, end)
    return found


def _number(cliques: Sequence[Sequence[int]], models: int) -> list[str]:
    return ["+".join(str(n) for n, one in enumerate(cliques, start=1) if model in one) for model in range(models)]


def _comparable(values: FloatArray) -> FloatArray:
    """Return the units in which some model has a value; 0/0 beside one is a model that rightly sees nothing, 1."""
    known = np.isfinite(values).any(axis=1)
    return np.where(np.isnan(values[known]), 1.0, values[known])
