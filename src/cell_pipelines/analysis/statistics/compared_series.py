"""Groups of cells compared series by series beside the comparison image by image, where images come in series.

Images of one series share their culture and their day, so medians of images are no more independent than cells are, and
a test over them declares equal groups different. Where series are known, their test stands beside that of images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cell_pipelines.analysis.statistics.groups import compare_groups

if TYPE_CHECKING:
    import pandas as pd


def compare_series(
    compared: pd.DataFrame,
    table: pd.DataFrame,
    features: Sequence[str],
    group: str,
    *,
    image: str = "image",
    series: str = "series",
    reference: str | None = None,
) -> pd.DataFrame:
    """Add to a comparison of groups what a test over series says.

    A series that both groups have counts once in each, since nobody said that it is the same: the test is never paired.

    Args:
        compared: As `compare_groups` returns it.
        table: One row per cell; without a column of series, or with at most one image in each, nothing is known of
            them.
        features: Columns of numbers.
        group: Column with the group.
        image: Column with the image.
        series: Column with the series; missing where an image has none.
        reference: As it was for `compare_groups`.

    Returns:
        The same rows with `p_series` and `p_series_adjusted`, after Holm over all rows, nan where series are not known,
        and a `caution` that tells the former.
    """
    keys = ["feature", "group_1", "group_2"]
    columns = {"p_images": "p_series", "p_images_adjusted": "p_series_adjusted"}
    if not _has_series(table, group, image, series):
        return compared.assign(p_series=np.nan, p_series_adjusted=np.nan)
    known = table[table[series].notna() & table[group].notna()]
    own = known[group].astype(str) + "/" + known[series].astype(str)
    over = compare_groups(known.assign(**{series: own}), features, group, image=series, reference=reference)
    over = over.rename(columns=columns)
    kept = over[[*keys, "n_images_1", "n_images_2", *columns.values(), "caution"]]
    joined = compared.merge(kept, on=keys, how="left", suffixes=("", "_of_series"))
    joined["caution"] = [_joined(row) for row in joined.to_dict("records")]
    return joined[[*compared.columns, *columns.values()]]


def _has_series(table: pd.DataFrame, group: str, image: str, series: str) -> bool:
    if series not in table or series in (group, image) or not table[series].notna().any():
        return False
    return bool(table.groupby([group, series])[image].nunique().gt(1).any())


def _joined(row: dict[Any, Any]) -> str:
    """Return the caution of a row with what the test over series says."""
    if not np.isfinite(row["p_series"]):
        return str(row["caution"])
    counts = f"{row['n_images_1_of_series']:.0f} and {row['n_images_2_of_series']:.0f} series"
    text = f"Images of one series are alike: over {counts} p is {row['p_series']:.3f}."
    limits = str(row["caution_of_series"]).replace("image-level", "series-level").replace(" images", " series")
    return " ".join(part for part in (row["caution"], text, limits) if part)
