"""Groups of measured cells beside each other: described, and compared by ranks, cell by cell and image by image.

Cells of one image share its focus, its light and its culture, so they are not independent, and a test that takes
them for independent finds differences where there are none. Every comparison therefore has two tests: `p` over cells,
as the papers give it, and `p_images` over the medians of images, which is the one to believe.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.analysis.multiple_testing import adjust_holm
from cell_pipelines.analysis.statistics.rank_tests import (
    compare_independent,
    compare_pairs,
    rank_biserial_interval,
)
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd


_COMPARED: Final = {
    "feature": "str", "group_1": "str", "group_2": "str",
    "n_cells_1": "int64", "n_cells_2": "int64", "n_missing_1": "int64", "n_missing_2": "int64",
    "n_images_1": "int64", "n_images_2": "int64", "median_1": "float64", "median_2": "float64",
    "mann_whitney_u": "float64", "p": "float64", "p_adjusted": "float64",
    "rank_biserial": "float64", "rank_biserial_low": "float64", "rank_biserial_high": "float64",
    "hodges_lehmann_shift": "float64", "hodges_lehmann_low": "float64", "hodges_lehmann_high": "float64",
    "image_test": "str", "n_images_compared": "int64", "p_images": "float64", "p_images_adjusted": "float64",
    "hodges_lehmann_images": "float64", "hodges_lehmann_images_low": "float64",
    "hodges_lehmann_images_high": "float64", "caution": "str",
}  # fmt: skip
_DESCRIBED: Final = {
    "feature": "str", "group": "str", "n_cells": "int64", "n_missing": "int64", "n_images": "int64",
    "mean": "float64", "sd": "float64", "min": "float64", "quartile_1": "float64", "median": "float64",
    "quartile_3": "float64", "max": "float64",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Group:
    """The finite values of a feature in one group, how many are missing, and the medians of its images."""

    values: FloatArray
    n_missing: int
    medians: pd.Series[float]


def compare_groups(
    table: pd.DataFrame,
    features: Sequence[str],
    group: str,
    *,
    image: str = "image",
    reference: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare the groups of cells in each feature, two by two.

    Args:
        table: One row per cell. Rows without a group are left out; values that are missing or infinite are counted in
            `n_missing_1` and `n_missing_2` and otherwise left out.
        features: Columns of numbers.
        group: Column with the group, such as method or condition.
        image: Column with the image.
        reference: The group that all others are compared with; None for every two groups.
        level: Level of all intervals.

    Returns:
        One row per feature and pair; without a second group none. Pairs are in the order of the table, with a reference
        it is `group_2`. Differences are `group_1` - `group_2`, with intervals as `…_low` and `…_high`. `p` is Mann
        and Whitney's over cells, `p_adjusted` after Holm over all rows. `image_test` is ``mann_whitney`` over the
        medians of images, or ``wilcoxon_signed_rank`` where at least half of the images of the smaller group hold
        cells of the other, too, as when methods are compared on the same images: then medians are compared image by
        image. `n_images_compared` is how many images it uses, and `p_images_adjusted` is after Holm over all rows.
        `caution` says in words what these numbers cannot tell, and is empty otherwise.

    Raises:
        ValueError: A column is missing, `reference` is not a group, or `level` is not within (0, 1).
    """
    import pandas as pd

    _check(table, [*features, group, image])
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie within 0 and 1, got {level}.")
    known = table[table[group].notna()]
    pairs = _pairs([str(name) for name in known[group].unique()], reference)
    rows: list[dict[str, Any]] = []
    for feature in features if pairs else ():
        groups = _split(known, feature, group, image)
        for one, other in pairs:
            names = {"feature": feature, "group_1": one, "group_2": other}
            rows.append(names | _compare(groups[one], groups[other], level) | {"rows": len(features) * len(pairs)})
    compared = pd.DataFrame(rows, columns=[*_COMPARED, "least_p", "rows"])
    compared["p_adjusted"] = adjust_holm(compared["p"].to_numpy(dtype=float))
    compared["p_images_adjusted"] = adjust_holm(compared["p_images"].to_numpy(dtype=float))
    compared["caution"] = [_caution(row, 1 - level) for row in compared.to_dict("records")]
    return compared[list(_COMPARED)].astype(_COMPARED)


def describe_groups(table: pd.DataFrame, features: Sequence[str], group: str, *, image: str = "image") -> pd.DataFrame:
    """Return how the values of each feature lie in each group.

    Args:
        table: One row per cell; rows without a group are left out.
        features: Columns of numbers.
        group: Column with the group.
        image: Column with the image.

    Returns:
        One row per feature and group, in the order of the table: `n_cells` with a finite value, `n_missing` without,
        `n_images` with one, `mean`, `sd` (NaN for one cell), and five numbers from `min` to `max`.

    Raises:
        ValueError: A column is missing.
    """
    import pandas as pd

    _check(table, [*features, group, image])
    known = table[table[group].notna()]
    rows = [
        {"feature": feature, "group": name, **_describe(found)}
        for feature in features
        for name, found in _split(known, feature, group, image).items()
    ]
    return pd.DataFrame(rows, columns=list(_DESCRIBED)).astype(_DESCRIBED)


def _check(table: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"`table` must have the columns {', '.join(columns)}; {', '.join(missing)} are missing.")


def _pairs(names: Sequence[str], reference: str | None) -> list[tuple[str, str]]:
    if reference is None:
        return list(combinations(names, 2))
    if names and reference not in names:
        raise ValueError(f"`reference` must be one of the groups {', '.join(names)}, got {reference}.")
    return [(name, reference) for name in names if name != reference]


def _split(known: pd.DataFrame, feature: str, group: str, image: str) -> dict[str, _Group]:
    """Return the groups by name, in the order of the table."""
    groups = {}
    for name, own in known.groupby(group, sort=False):
        values = own[feature].to_numpy(dtype=float, na_value=math.nan)
        finite = np.isfinite(values)
        medians = own.loc[finite, feature].astype("float64").groupby(own.loc[finite, image]).median()
        groups[str(name)] = _Group(values[finite], int((~finite).sum()), medians)
    return groups


def _compare(one: _Group, other: _Group, level: float) -> dict[str, Any]:
    cells = compare_independent(one.values, other.values, level=level)
    effect = rank_biserial_interval(one.values, other.values, level=level)
    counts = {
        f"{name}_{place}": number
        for place, found in enumerate((one, other), start=1)
        for name, number in {
            "n_cells": found.values.size,
            "n_missing": found.n_missing,
            "n_images": len(found.medians),
            "median": _median(found.values),
        }.items()
    }
    return counts | {
        "mann_whitney_u": cells.statistic, "p": cells.p, "rank_biserial": effect[0], "rank_biserial_low": effect[1],
        "rank_biserial_high": effect[2], "hodges_lehmann_shift": cells.shift, "hodges_lehmann_low": cells.low,
        "hodges_lehmann_high": cells.high, **_compare_images(one.medians, other.medians, level),
    }  # fmt: skip


def _compare_images(one: pd.Series[float], other: pd.Series[float], level: float) -> dict[str, Any]:
    shared = one.index.intersection(other.index)
    paired = len(shared) > 0 and 2 * len(shared) >= min(len(one), len(other))
    first, second = (np.asarray(found[shared] if paired else found, dtype=np.float64) for found in (one, other))
    found = (compare_pairs if paired else compare_independent)(first, second, level=level)
    return {
        "image_test": "wilcoxon_signed_rank" if paired else "mann_whitney",
        "n_images_compared": len(shared) if paired else len(one) + len(other),
        "p_images": found.p,
        "hodges_lehmann_images": found.shift,
        "hodges_lehmann_images_low": found.low,
        "hodges_lehmann_images_high": found.high,
        "least_p": found.least_p,
    }


def _caution(row: Mapping[Any, Any], alpha: float) -> str:
    """Say what a comparison cannot tell."""
    sentences = []
    if not (row["n_cells_1"] and row["n_cells_2"]):
        return "One group has no value."
    images, least = f"{row['n_images_1']} and {row['n_images_2']} images", row["least_p"]
    paired = row["image_test"] == "wilcoxon_signed_rank"
    if paired:
        images = f"{row['n_images_compared']} images with both groups"
    if least > alpha:
        sentences.append(
            f"With {images} the image-level p cannot fall below {least:.2g}, so it cannot show a difference at "
            f"{100 * alpha:g} %."
        )
    elif least * row["rows"] > alpha:
        sentences.append(
            f"With {images} the image-level p cannot fall below {least:.2g}, which Holm's correction over "
            f"{row['rows']} rows can lift above {alpha:.2g}."
        )
    apart = row["n_images_1"] + row["n_images_2"] - 2 * row["n_images_compared"]
    if paired and apart:
        sentences.append(f"Images left out at image level since they hold one group only: {apart}.")
    return " ".join(sentences)


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if values.size else math.nan


def _describe(found: _Group) -> dict[str, Any]:
    values = found.values
    five = np.percentile(values, [0, 25, 50, 75, 100]) if values.size else np.full(5, math.nan)
    return {
        "n_cells": values.size,
        "n_missing": found.n_missing,
        "n_images": len(found.medians),
        "mean": float(values.mean()) if values.size else math.nan,
        "sd": float(values.std(ddof=1)) if values.size > 1 else math.nan,
        **dict(zip(("min", "quartile_1", "median", "quartile_3", "max"), five.tolist(), strict=True)),
    }
