"""Mosaicism: signals per nucleus, their patterns, and the share of nuclei with each number of chromosomes."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.metrics.clustered_proportions import clustered_interval
from cell_pipelines.metrics.intervals import wilson_interval

CHANNELS: Final = ("red", "green")
#: The chromosome that each channel shows.
CHROMOSOMES: Final[Mapping[str, str]] = MappingProxyType({"red": "21", "green": "X"})
#: States of a chromosome by its number of signals; the last one is this many or more.
STATES: Final = ("nullisomic", "monosomic", "disomic", "trisomic", "tetrasomic or more")
WHOLE: Final = "whole"
UNKNOWN: Final = "?"

_PATTERN_TYPES: Final = {
    "pattern": "str",
    "red": "Int64",
    "green": "Int64",
    "nuclei": "int64",
    "count": "int64",
    "fraction_percent": "float64",
    "low_percent": "float64",
    "high_percent": "float64",
    "destroyed": "int64",
}
_STATE_TYPES: Final = {
    "chromosome": "str",
    "channel": "str",
    "state": "str",
    "nuclei": "int64",
    "count": "int64",
    "fraction_percent": "float64",
    "low_percent": "float64",
    "high_percent": "float64",
    "clusters": "int64",
    "clustered_low_percent": "float64",
    "clustered_high_percent": "float64",
    "destroyed": "int64",
    "unknown": "int64",
}


def count_signals(signals: pd.DataFrame, nuclei: pd.DataFrame, *, channels: Sequence[str] = CHANNELS) -> pd.DataFrame:
    """Count the signals of each nucleus.

    Args:
        signals: One row per signal, as `merge_double_dots` gives them: `image`, `channel`, `nucleus`.
        nuclei: One row per nucleus: `image`, `nucleus` (label), `category`; further columns, such as `subject`, are
            kept.
        channels: The channels that were looked at. The number of signals of another one is not known.

    Returns:
        The rows and columns of `nuclei`, with `red` and `green` (nullable whole numbers, missing where not known) and
        `pattern`, red:green, such as 2:2, with a question mark for what is not known.

    Raises:
        ValueError: A nucleus is given twice, a signal belongs to none of the nuclei, or a channel is not known.
    """
    require_columns(nuclei, "nuclei", ("image", "nucleus", "category"))
    require_columns(signals, "signals", ("image", "channel", "nucleus"))
    _check_channels(channels, signals)
    keys = pd.MultiIndex.from_frame(nuclei[["image", "nucleus"]])
    if keys.has_duplicates:
        image, nucleus = keys[keys.duplicated()][0]
        raise ValueError(f"`nuclei` must name each nucleus once, got nucleus {nucleus} of {image} twice.")
    owners = pd.MultiIndex.from_frame(signals[["image", "nucleus"]])
    strays = owners[~owners.isin(keys)]
    if len(strays):
        image, nucleus = strays[0]
        raise ValueError(
            f"`signals` must belong to `nuclei`, got {len(strays)} of others, such as nucleus {nucleus} of {image}."
        )
    counted = nuclei.copy()
    for channel in CHANNELS:
        own = owners[(signals["channel"] == channel).to_numpy(dtype=bool)]
        numbers = own.value_counts().reindex(keys, fill_value=0).to_numpy() if len(own) else np.zeros(len(keys))
        known = pd.array(numbers.astype(np.int64), dtype="Int64")
        counted[channel] = known if channel in channels else pd.array([pd.NA] * len(keys), dtype="Int64")
    counted["pattern"] = pd.array(_patterns(counted), dtype="str")
    return counted


def tabulate_patterns(nuclei: pd.DataFrame, by: Sequence[str] = ("subject",), *, level: float = 0.95) -> pd.DataFrame:
    """Count the patterns of signals, one row per group and pattern that occurs; only whole nuclei are counted.

    Args:
        nuclei: One row per nucleus, as `count_signals` gives them.
        by: The columns that name a group, such as subject or sample.
        level: Level of the Wilson interval, in (0, 1).

    Returns:
        The columns `by`, and: `pattern`, `red`, `green`, `nuclei` (whole ones of the group), `count` (of them, with
        this pattern), `fraction_percent`, `low_percent`, `high_percent`, `destroyed` (nuclei of the group left out).
        The commonest pattern of a group comes first. A group without a whole nucleus has one row without a pattern.
    """
    rows: list[dict[str, Any]] = []
    for group, all_nuclei, whole in _groups(nuclei, by):
        told = group | {"nuclei": len(whole), "destroyed": len(all_nuclei) - len(whole)}
        counts = whole.value_counts(["pattern", "red", "green"], dropna=False).reset_index()
        counts = counts.sort_values(["count", "pattern"], ascending=[False, True])
        for row in counts.to_dict("records"):
            rows.append(
                told | {str(key): value for key, value in row.items()} | _wilson(row["count"], len(whole), level)
            )
        if counts.empty:
            rows.append(told | {"pattern": "", "red": pd.NA, "green": pd.NA, "count": 0} | _wilson(0, 0, level))
    return _table(rows, nuclei, by, _PATTERN_TYPES)


def measure_aneuploidy(
    nuclei: pd.DataFrame,
    by: Sequence[str] = ("subject",),
    *,
    cluster: str | None = None,
    chromosomes: Mapping[str, str] = CHROMOSOMES,
    level: float = 0.95,
) -> pd.DataFrame:
    """Measure the share of nuclei with no, one, two, three, four or more signals of each chromosome.

    Only whole nuclei are counted: a destroyed one may have lost signals.

    Args:
        nuclei: One row per nucleus, as `count_signals` gives them.
        by: The columns that name a group, such as subject or sample.
        cluster: The column that names samples (or images) of a group whose nuclei may be more alike than those of
            different ones, for the cluster-robust interval; None for no such interval.
        chromosomes: The chromosome that each channel shows.
        level: Level of the intervals, in (0, 1).

    Returns:
        One row per group, chromosome and state of `STATES`; the columns `by`, and: `chromosome`, `channel`, `state`,
        `nuclei` (whole ones whose signals are known), `count` (of them, in this state), `fraction_percent`,
        `low_percent` and `high_percent` (Wilson), `clusters` (with such nuclei), `clustered_low_percent` and
        `clustered_high_percent` (missing for fewer than two clusters), `destroyed` and `unknown` (left out).
    """
    require_columns(nuclei, "nuclei", [cluster] if cluster else [])
    rows: list[dict[str, Any]] = []
    for group, all_nuclei, whole in _groups(nuclei, by):
        for channel, chromosome in chromosomes.items():
            known = whole[whole[channel].notna()]
            told = {
                "chromosome": chromosome,
                "channel": channel,
                "nuclei": len(known),
                "destroyed": len(all_nuclei) - len(whole),
                "unknown": len(whole) - len(known),
            }
            state = known[channel].to_numpy(dtype=np.int64).clip(0, len(STATES) - 1)
            for number, name in enumerate(STATES):
                found = state == number
                ends = _wilson(int(found.sum()), len(known), level) | _clustered(found, known, cluster, level)
                rows.append(group | told | {"state": name, "count": int(found.sum())} | ends)
    return _table(rows, nuclei, by, _STATE_TYPES)


def require_columns(table: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    """Raise an error that names the columns per table lacks."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"`{name}` must have the columns {', '.join(columns)}; {', '.join(missing)} is missing.")


def _check_channels(channels: Sequence[str], signals: pd.DataFrame) -> None:
    strange = sorted({*channels, *signals["channel"].unique()} - set(CHANNELS))
    if strange:
        raise ValueError(f"Channels must be among {', '.join(CHANNELS)}, got {', '.join(map(str, strange))}.")
    unseen = sorted(set(signals["channel"].unique()) - set(channels))
    if unseen:
        raise ValueError(f"`channels` must name every channel with signals, {', '.join(unseen)} is missing.")


def _patterns(counted: pd.DataFrame) -> list[str]:
    told = [[UNKNOWN if pd.isna(number) else str(number) for number in counted[channel]] for channel in CHANNELS]
    return [f"{red}:{green}" for red, green in zip(*told, strict=True)]


def _groups(nuclei: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]]:
    """Yield each group's name by column, its nuclei, and the whole ones among them; a missing name is a group."""
    if not by:
        raise ValueError("`by` must name at least one column, got none.")
    require_columns(nuclei, "nuclei", (*by, "category", "pattern", *CHANNELS))
    for values, rows in nuclei.groupby(list(by), sort=True, dropna=False):
        yield dict(zip(by, values, strict=True)), rows, rows[rows["category"] == WHOLE]


def _wilson(count: int, nuclei: int, level: float) -> dict[str, float]:
    interval = wilson_interval(int(count), nuclei, level=level)
    return {
        "fraction_percent": 100.0 * interval.estimate,
        "low_percent": 100.0 * interval.low,
        "high_percent": 100.0 * interval.high,
    }


def _clustered(found: Any, known: pd.DataFrame, cluster: str | None, level: float) -> dict[str, float]:
    """Give the number of clusters and the cluster-robust interval."""
    if cluster is None:
        return {"clusters": 0, "clustered_low_percent": np.nan, "clustered_high_percent": np.nan}
    # A nucleus whose cluster is not known is a cluster of the group's unknown ones.
    number, names = pd.factorize(known[cluster], use_na_sentinel=False)
    successes, trials = np.bincount(number, weights=found, minlength=len(names)), np.bincount(number)
    low = high = float("nan")
    if len(names) >= 2:
        interval = clustered_interval(successes, trials, level=level)
        low, high = interval.low, interval.high
    return {"clusters": len(names), "clustered_low_percent": 100.0 * low, "clustered_high_percent": 100.0 * high}


def _table(
    rows: list[dict[str, Any]], nuclei: pd.DataFrame, by: Sequence[str], types: Mapping[str, str]
) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*by, *types])
    return table.astype({**{name: nuclei[name].dtype for name in by}, **types})
