"""The value of each well with its interval, from its sites or, of one site, from the interval of its count."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import special

from cell_pipelines.analysis.plates.rules import PlateRules
from cell_pipelines.metrics.clustered_proportions import clustered_interval
from cell_pipelines.metrics.intervals import wilson_interval

#: Columns that say what was measured; those of the layout stand before them.
VALUE_COLUMNS: Final = {
    "images": "int64", "sites": "int64", "value": "float64", "low": "float64", "high": "float64", "interval": "str",
    "part": "float64", "whole": "float64",
}  # fmt: skip


def measure_wells(placed: pd.DataFrame, layout: pd.DataFrame, rules: PlateRules) -> pd.DataFrame:
    """Return one row per well of the layout with its value.

    Args:
        placed: As `placing.place_images` gives it, with the columns that the rules name.
        layout: As `layout.read_layout` gives it.
        rules: `measure`, and `relative_to` for a value in per cent.

    Returns:
        The layout and `VALUE_COLUMNS`: `value` is the mean of the sites, or of `relative_to` 100 times the sum of the
        parts over that of the wholes (`part`, `whole`, else NaN). The 95 % interval `low` to `high` is of Student's t
        over sites, or of a beta-binomial posterior over them (`interval` is ``sites``); with one site it is that of
        the count, where the table has one (``count``), or Wilson's (``cells``); else it is unknown. Wells without an
        image have no value.

    Raises:
        ValueError: A column is missing or holds no numbers, or an image lies on a well that the layout lacks.
    """
    columns = [rules.measure] + ([rules.relative_to] if rules.relative_to else [])
    values = placed[["plate", "well"]].assign(site=_sites(placed), image=placed.get("image", placed.index.to_series()))
    for name in columns:
        values[name] = _numbers(placed, name)
    ends = [f"{rules.measure}_{side}" for side in ("low", "high")]
    has_ends = all(name in placed for name in ends) and not rules.relative_to
    for name in ends if has_ends else ():
        values[name] = pd.to_numeric(placed[name], errors="coerce")
    _check_wells(values, layout)
    groups = dict(list(values.groupby(["plate", "well"], sort=False)))
    rows = [_measure(groups.get((plate, well)), rules, ends if has_ends else [])
            for plate, well in zip(layout["plate"], layout["well"], strict=True)]  # fmt: skip
    measured = pd.DataFrame(rows, columns=list(VALUE_COLUMNS)).astype(VALUE_COLUMNS)
    return pd.concat([layout.reset_index(drop=True), measured], axis=1)


def _sites(placed: pd.DataFrame) -> pd.Series:
    """Return the site of each row, or its image where names tell no sites, or its number where it has neither."""
    for name in ("site", "image"):
        if name in placed and placed[name].notna().all():
            return placed[name].astype("str")
    return placed.index.to_series().astype("str")


def _numbers(placed: pd.DataFrame, name: str) -> pd.Series:
    if name in placed:
        numbers = pd.to_numeric(placed[name], errors="coerce")
        if numbers.notna().any():
            return numbers
    known = [str(column) for column in placed if pd.api.types.is_numeric_dtype(placed[column])]
    raise ValueError(
        f"`plates.measure` and `relative_to` must be a column of numbers ({', '.join(known)}), got {name}."
    )


def _check_wells(values: pd.DataFrame, layout: pd.DataFrame) -> None:
    known = set(zip(layout["plate"], layout["well"], strict=True))
    unknown = [f"{plate} {well}" for plate, well in _pairs(values) if (plate, well) not in known]
    if unknown:
        shown = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
        raise ValueError(
            f"{len(unknown)} wells with images are not in the layout ({shown}); those without cells are `empty`."
        )


def _pairs(values: pd.DataFrame) -> Iterator[tuple[str, str]]:
    pairs = values[["plate", "well"]].drop_duplicates()
    return zip(pairs["plate"], pairs["well"], strict=True)


def _measure(rows: pd.DataFrame | None, rules: PlateRules, ends: list[str]) -> dict[str, Any]:
    if rows is None:
        return {"images": 0, "sites": 0, "value": np.nan, "low": np.nan, "high": np.nan, "interval": "",
                "part": np.nan, "whole": np.nan}  # fmt: skip
    grouped = rows.groupby("site", sort=False)
    measured = (
        _share(grouped[[rules.measure, rules.relative_to]].sum())
        if rules.relative_to
        else _mean(grouped[rules.measure].mean(), rows, ends)
    )
    return {"images": int(rows["image"].nunique()), "sites": grouped.ngroups, **measured}


def _share(sites: pd.DataFrame) -> dict[str, Any]:
    part, whole = (sites.iloc[:, column].to_numpy(dtype=np.float64) for column in (0, 1))
    total, sum_of_parts = float(whole.sum()), float(part.sum())
    if not total:
        return {"value": np.nan, "low": np.nan, "high": np.nan, "interval": "", "part": 0.0, "whole": 0.0}
    if sum_of_parts > total or (part < 0).any():
        raise ValueError(f"`measure` must be a part of `relative_to`, got {sum_of_parts:g} of {total:g}.")
    over_sites = (whole > 0).sum() > 1
    interval = clustered_interval(part, whole) if over_sites else wilson_interval(round(sum_of_parts), round(total))
    return {"value": 100 * sum_of_parts / total, "low": 100 * interval.low, "high": 100 * interval.high,
            "interval": "sites" if over_sites else "cells", "part": sum_of_parts, "whole": total}  # fmt: skip


def _mean(sites: pd.Series, rows: pd.DataFrame, ends: list[str]) -> dict[str, Any]:
    known = sites.dropna().to_numpy(dtype=np.float64)
    low = high = np.nan
    interval = ""
    if known.size > 1:
        half = float(special.stdtrit(known.size - 1, 0.975)) * known.std(ddof=1) / np.sqrt(known.size)
        low, high, interval = known.mean() - half, known.mean() + half, "sites"
    elif known.size and ends and rows[ends].notna().all(axis=None):
        low, high, interval = float(rows[ends[0]].mean()), float(rows[ends[1]].mean()), "count"
    return {"value": known.mean() if known.size else np.nan, "low": low, "high": high, "interval": interval,
            "part": np.nan, "whole": np.nan}  # fmt: skip
