"""Compare the viability of two conditions, with series or fields, not cells, as independent units.

The interval of a difference is put together from those of its sides, which are beta-binomial posteriors of clusters
(MOVER; Zou & Donner 2008, doi:10.1002/sim.3095), and p is one less the level at which it would just reach 0. Series in
which both conditions occur can be paired: what they share cancels by the correlation of the sides' residuals. Welch's
degrees of freedom set the levels of the sides of unpaired series. The interval is never narrower than that of the
paired t test or of Welch's. p values of all pairs together are corrected by Holm's method.

How often intervals hold the truth, and equal conditions differ, is simulated in `benchmarks/viability_coverage.py`.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from cell_pipelines.analysis.multiple_testing import adjust_holm
from cell_pipelines.metrics.clustered_proportions import (
    ClusteredProportion,
    clustered_proportion,
    effective_clusters,
)

Unit: TypeAlias = Literal["series", "field", "cell"]

COLUMNS: Final = {
    "condition_1": "str", "condition_2": "str", "unit": "str", "n1": "int64", "n2": "int64", "shared": "int64",
    "viability_1_percent": "float64", "viability_2_percent": "float64",
    "difference_points": "float64", "difference_low_points": "float64", "difference_high_points": "float64",
    "odds_ratio": "float64", "cohens_h": "float64", "p": "float64", "p_adjusted": "float64",
    "method": "str", "caution": "str",
}  # fmt: skip
_NO_VARIANCE: Final = 1e-15  # of a side of which all or none live
# Decimal logarithms of p; the posterior's tails are not known any farther than the lesser.
_LEAST_P, _MOST_P = -9.0, -1e-9
_NOT_PAIRED: Final = (
    "{} series have one name in both conditions and are taken for different ones; `viability.paired: true` pairs them"
)
_CAUTIONS: Final = {
    "series": "",
    "field": "not every condition has two series: differences between series are not accounted for, p may be too small",
    "cell": "not every condition has two fields: cells are taken for independent, p is too small",
}


def compare_conditions(
    fields: pd.DataFrame, *, reference: str | None = None, paired: bool = False, level: float = 0.95
) -> pd.DataFrame:
    """Compare the viability of conditions in pairs.

    Args:
        fields: One row per field: `series`, `condition`, `live`, `total`, as `counting.count_viability` gives. Fields
            without cells and fields whose condition is not known are left out.
        reference: The condition with which each other is compared, as condition 1; None for all pairs.
        paired: Whether series of one name in two conditions are the same; else each condition's are its own, and the
            caution says so where names recur.
        level: Level of the intervals, in (0, 1).

    Returns:
        One row per pair, with `COLUMNS`. `unit` is what counts as independent: `series` where every condition has two
        or more and each field's is known, else `field` where every condition has two or more, else `cell`; `caution`
        says what that leaves out. `n1`, `n2` are units, `shared` the series with both conditions that are taken as
        pairs. The difference is condition 2 - condition 1 in percentage points; `odds_ratio` that of living, of 2 over
        1 (inf or nan where all or none live); `cohens_h` as defined there, positive where more live in condition 2. No
        row for fewer than two conditions.

    Raises:
        ValueError: `reference` is no condition with cells, or `level` is not in (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    known = fields[fields["condition"].notna() & (fields["total"] > 0)].reset_index(drop=True)
    names = list(dict.fromkeys(known["condition"].astype("str")))
    if reference is not None and reference not in names and names:
        raise ValueError(f"`reference` must be a condition with cells, one of {', '.join(names)}, got {reference!r}.")
    unit = _unit(known)
    tables = {str(name): _clusters(rows, unit) for name, rows in known.groupby("condition", sort=False)}
    rows = [_compare(one, two, tables, unit, level=level, paired=paired) for one, two in _pairs(names, reference)]
    found = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return found.assign(p_adjusted=adjust_holm(found["p"].to_numpy(dtype=np.float64)))


def _pairs(names: list[str], reference: str | None) -> Iterator[tuple[str, str]]:
    if reference is None:
        return combinations(names, 2)
    return ((reference, name) for name in names if name != reference)


def _unit(fields: pd.DataFrame) -> Unit:
    groups = fields.groupby("condition")
    if fields["series"].notna().all() and (groups["series"].nunique() >= 2).all():
        return "series"
    return "field" if (groups.size() >= 2).all() else "cell"


def _clusters(fields: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    """Return live and total of each unit of a condition; series by their names, which tell shared ones."""
    if unit == "series":
        return fields.groupby("series", sort=False)[["live", "total"]].sum()
    return fields[["live", "total"]]


def _compare(
    one: str, two: str, tables: dict[str, pd.DataFrame], unit: Unit, *, level: float, paired: bool
) -> dict[str, Any]:
    from statsmodels.stats.proportion import proportion_effectsize

    recurring = tables[one].index.intersection(tables[two].index).size if unit == "series" else 0
    shared = recurring if paired else 0
    sides = (tables[one].add_suffix("_1"), tables[two].add_suffix("_2"))
    both = (sides[0].join(sides[1], how="outer") if shared else pd.concat(sides, ignore_index=True)).fillna(0)
    first, second = (clustered_proportion(both[f"live_{side}"], both[f"total_{side}"]) for side in (1, 2))
    p1, p2 = first.estimate, second.estimate
    test = _by_cells if unit == "cell" else compare_clusters
    low, high, p, method = test(first, second, shared, level)
    sizes = (int(first.trials), int(second.trials)) if unit == "cell" else (len(tables[one]), len(tables[two]))
    return {
        "condition_1": one, "condition_2": two, "unit": unit, "n1": sizes[0], "n2": sizes[1], "shared": shared,
        "viability_1_percent": 100 * p1, "viability_2_percent": 100 * p2,
        "difference_points": 100 * (p2 - p1), "difference_low_points": 100 * low, "difference_high_points": 100 * high,
        "odds_ratio": _odds_ratio(p1, p2), "cohens_h": float(proportion_effectsize(p2, p1)), "p": p,
        "method": method, "caution": _CAUTIONS[unit] if shared == recurring else _NOT_PAIRED.format(recurring),
    }  # fmt: skip


def compare_clusters(
    first: ClusteredProportion, second: ClusteredProportion, shared: int, level: float
) -> tuple[float, float, float, str]:
    """Compare two proportions of clusters.

    Args:
        first: The first, of clusters in the same order as the second; one without trials stands for a cluster that the
            other has alone.
        second: The second.
        shared: How many clusters both have.
        level: Level of the interval, in (0, 1).

    Returns:
        Ends of the interval of second - first within [-1, 1], p of no difference, and the method in words.
    """
    difference = second.estimate - first.estimate
    correlation = _correlation(first, second) if shared else 0.0

    freedom = _shared_freedom(first, second) if shared else _welch_freedom(first, second)

    def ends(level: float) -> tuple[float, float]:
        quantile = float(special.stdtrit(freedom, (1 + level) / 2))
        (low_1, high_1), (low_2, high_2) = (_distances(side, quantile) for side in (first, second))
        error_1, error_2 = (quantile * float(np.sqrt(side.variance)) for side in (first, second))
        least = _together(error_1, error_2, correlation)
        below = max(_together(low_2, high_1, correlation), least)
        above = max(_together(high_2, low_1, correlation), least)
        return max(difference - below, -1.0), min(difference + above, 1.0)

    method = "beta-binomial posteriors, MOVER"
    if shared:
        method = f"{method} of paired series, correlation {correlation:.2f}"
    return *ends(level), _p_value(ends, difference), method


def _distances(side: ClusteredProportion, quantile: float) -> tuple[float, float]:
    """Return how far both ends of a side lie from its estimate, at the level of this quantile of its own t."""
    low, high = side.interval(2 * float(special.stdtr(side.freedom, quantile)) - 1)
    return side.estimate - low, high - side.estimate


def _welch_freedom(first: ClusteredProportion, second: ClusteredProportion) -> float:
    parts = np.array([max(side.variance, side.binomial_variance, _NO_VARIANCE) for side in (first, second)])
    return float(parts.sum() ** 2 / (parts**2 / np.array([first.freedom, second.freedom])).sum())


def _shared_freedom(first: ClusteredProportion, second: ClusteredProportion) -> float:
    return max(effective_clusters((first.shares + second.shares) / 2) - 1, min(first.freedom, second.freedom))


def _correlation(first: ClusteredProportion, second: ClusteredProportion) -> float:
    """Return the correlation of the residuals of both sides, 0 where one has none."""
    sizes = float(np.sqrt((first.residuals**2).sum() * (second.residuals**2).sum()))
    spread = first.has_spread and second.has_spread
    return float(first.residuals @ second.residuals) / sizes if spread else 0.0


def _together(one: float, other: float, correlation: float) -> float:
    return float(np.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0)))


def _p_value(ends: Callable[[float], tuple[float, float]], difference: float) -> float:
    """Return one less the level whose interval just reaches 0."""

    def beyond(logarithm: float) -> float:
        low, high = ends(1 - 10**logarithm)
        return low if difference > 0 else -high

    if difference == 0 or beyond(_MOST_P) <= 0:
        return 1.0
    if beyond(_LEAST_P) > 0:
        return float(10**_LEAST_P)
    return float(10 ** optimize.brentq(beyond, _LEAST_P, _MOST_P, xtol=1e-4))


def _by_cells(
    first: ClusteredProportion, second: ClusteredProportion, shared: int, level: float
) -> tuple[float, float, float, str]:
    """Return the same as `compare_clusters` of independent cells."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    (a, n), (b, m) = ((round(side.estimate * side.trials), round(side.trials)) for side in (second, first))
    low, high = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff", alpha=1 - level)
    p = float(stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue)
    return float(low), float(high), p, "Newcombe interval, Fisher's exact test of cells"


def _odds_ratio(p1: float, p2: float) -> float:
    odds = [p / (1 - p) if p < 1 else np.inf for p in (p1, p2)]
    if odds[0] in (0.0, np.inf) and odds[0] == odds[1]:
        return float("nan")
    return odds[1] / odds[0] if odds[0] else float("inf")
