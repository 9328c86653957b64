"""Viability of series and conditions: cells of all fields together, with intervals over fields and over series.

Cells of a field and fields of a series are alike, so an interval that takes cells for independent is too narrow.
`metrics.clustered_proportions` takes fields, or series, as what is independent. Where there are several series, only
the interval over series speaks of the next experiment; that over fields speaks of more fields of the same ones.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.metrics.clustered_proportions import clustered_interval, clustered_proportion

ALL: Final = "all"  # the one group where no condition is known
UNKNOWN: Final = "unknown"  # fields whose condition is not known, where that of others is
_KEYS: Final = {"series": "str", "condition": "str", "dose": "float64", "time": "float64"}
_NUMBERS: Final = {
    "fields": "int64", "series_count": "int64", "live": "int64", "dead": "int64", "total": "int64",
    "viability_percent": "float64",
    "low_by_field_percent": "float64", "high_by_field_percent": "float64",
    "low_by_series_percent": "float64", "high_by_series_percent": "float64",
    "sd_between_fields_percent": "float64", "sd_between_series_percent": "float64",
    "design_effect_by_field": "float64", "design_effect_by_series": "float64",
}  # fmt: skip


def viability_tables(fields: pd.DataFrame, *, level: float = 0.95) -> dict[str, pd.DataFrame]:
    """Return the summaries of a study.

    Args:
        fields: One row per field, as `counting.count_viability` gives.
        level: Level of the intervals, in (0, 1).

    Returns:
        `series` (by series and condition), `conditions`, and `groups` (by condition, dose and time, as far as dose and
        time are known); each as `summarise_viability`.
    """
    finer = [name for name in ("dose", "time") if fields[name].notna().any()]
    return {
        "series": summarise_viability(fields, ("series", "condition"), level=level),
        "conditions": summarise_viability(fields, ("condition",), level=level),
        "groups": summarise_viability(fields, ("condition", *finer), level=level),
    }


def summarise_viability(
    fields: pd.DataFrame, by: Sequence[str] = ("condition",), *, level: float = 0.95
) -> pd.DataFrame:
    """Summarise fields in groups.

    Args:
        fields: One row per field: `series`, `condition`, `dose`, `time`, `live`, `total`, as `counting.count_viability`
            gives.
        by: What makes a group, any of `series`, `condition`, `dose`, `time`.
        level: Level of the intervals, in (0, 1).

    Returns:
        One row per group, sorted by dose and time and otherwise in the order of the fields: the columns of `by`;
        `fields`, `series_count`, `live`, `dead`, `total`; `viability_percent` of all cells together; its interval over
        fields and over series (nan for fewer than two with cells, and over series where that of a field is not known);
        the standard deviation of the viabilities of fields and of series in percentage points (each counts the
        same; nan for fewer than two); and the design effects, which tell how many times larger the variance is than
        that of independent cells (nan where all or none live). Where no field's condition is known it is `all`, where
        only some are `unknown`; likewise for series.

    Raises:
        ValueError: `by` names something else.
    """
    unknown = [name for name in by if name not in _KEYS]
    if unknown or not by:
        raise ValueError(f"`by` must name one or more of {', '.join(_KEYS)}, got {list(by)}.")
    dtypes = {name: _KEYS[name] for name in by} | _NUMBERS
    table = fields.assign(**{name: label(fields[name]) for name in by if _KEYS[name] == "str"})
    table = table.assign(own_series=fields["series"])
    rows = [
        dict(zip(by, key, strict=True)) | _summary(group, level)
        for key, group in table.groupby(list(by), sort=False, dropna=False)
    ]
    found = pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
    return _sorted(found, by)


def label(names: pd.Series) -> pd.Series:
    """Return names of groups with a name for what is not known: `all` where nothing is, `unknown` where some is."""
    return names.astype("object").where(names.notna(), ALL if names.isna().all() else UNKNOWN).astype("str")


def by_series(fields: pd.DataFrame) -> pd.DataFrame:
    """Return `live` and `total` of each series, without fields whose series is not known."""
    return fields.groupby("series", sort=False)[["live", "total"]].sum()


def _summary(group: pd.DataFrame, level: float) -> dict[str, Any]:
    own = group.drop(columns="series").rename(columns={"own_series": "series"})
    live, total = int(own["live"].sum()), int(own["total"].sum())
    series = by_series(own)
    counts = {"fields": len(own), "series_count": len(series), "live": live, "dead": total - live, "total": total}
    viability = 100 * live / total if total else np.nan
    parts = (
        _spread(own, level, "field"),
        _spread(series if own["series"].notna().all() else series[:0], level, "series"),
    )
    return counts | {"viability_percent": viability} | parts[0] | parts[1]


def _spread(clusters: pd.DataFrame, level: float, name: str) -> dict[str, float]:
    x, n = (clusters[column].to_numpy(dtype=np.float64) for column in ("live", "total"))
    interval, found = clustered_interval(x, n, level=level), clustered_proportion(x, n)
    each = 100 * x[n > 0] / n[n > 0]
    return {
        f"low_by_{name}_percent": 100 * interval.low,
        f"high_by_{name}_percent": 100 * interval.high,
        f"sd_between_{'fields' if name == 'field' else name}_percent": each.std(ddof=1) if each.size > 1 else np.nan,
        f"design_effect_by_{name}": found.design_effect,
    }


def _sorted(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Sort by dose and time within groups that keep their order."""
    numbers = [name for name in by if _KEYS[name] == "float64"]
    if not numbers:
        return table
    names = [name for name in by if _KEYS[name] == "str"]
    ranks = {f"{name}_rank": pd.factorize(table[name])[0] for name in names}
    return table.assign(**ranks).sort_values([*ranks, *numbers], kind="stable")[table.columns].reset_index(drop=True)
