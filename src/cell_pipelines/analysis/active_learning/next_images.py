"""The list of unlabelled images in the order in which they are worth annotating, with a reason for each."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.active_learning.density import DensityRange, density
from cell_pipelines.analysis.active_learning.features import FEATURES, similarities
from cell_pipelines.analysis.active_learning.ranking import PARTS, diverse_order, expected_gain, relative_ranks

# Likeness is a table of all against all; images of less gain than so many others follow by their gain alone.
_MOST_COMPARED: Final = 2000
# A part is named as a reason where the image is among the upper third in it.
_HIGH: Final = 2 / 3


def rank_images(
    measured: pd.DataFrame,
    training: DensityRange,
    *,
    weights: Mapping[str, float],
    diversity: float = 0.5,
    same_series: float = 0.5,
) -> pd.DataFrame:
    """Return the images, the one to annotate next first.

    Args:
        measured: One row per image: `image`, `height`, `width`, `disagreement`, `count_spread`, `cells` (median over
            the models), for each model a column ``uncertainty_<model>`` in bits, `FEATURES`, `series` (missing
            where there is none) and `error` (empty where the image could be read).
        training: Densities of the images that the models learned from.
        weights: Of the parts of the gain, see `ranking.expected_gain`.
        diversity: How much likeness to images ranked before counts, in [0, 1].
        same_series: How alike two images of one series are at least, in [0, 1].

    Returns:
        One row per image by rising `rank`: `image`, `gain` (in (0, 1)), `PARTS`, `likeness` to the most similar image
        of a lower rank, `reason`, `cells_per_mpx` and what came in but the features. `uncertainty` is the mean over
        models of the image's entropy over the model's mean entropy of all images, since some models are always surer
        than others; a model that finds nothing to be unsure of in any image does not count. Images
        with an error have no rank and come last.
    """
    known = measured[measured["error"] == ""].reset_index(drop=True)
    parts = known.assign(
        uncertainty=_relative_uncertainty(known),
        cells_per_mpx=density(known["cells"], known["height"], known["width"]),
    )
    parts["novelty"] = training.novelty(parts["cells_per_mpx"])
    gain = expected_gain(parts, weights)
    order, likeness = _ordered(parts, gain, diversity=diversity, same_series=same_series)
    ranks = {name: relative_ranks(parts[name]) for name in PARTS}
    rows = [{str(key): value for key, value in row.items()} for row in parts.to_dict(orient="records")]
    reasons = [
        _reason(row, {name: float(ranks[name][place]) for name in PARTS}, training) for place, row in enumerate(rows)
    ]
    table = parts.assign(gain=gain, likeness=likeness, reason=pd.Series(reasons, dtype="str")).iloc[order]
    table = table.assign(rank=np.arange(1, len(table) + 1))
    failed = measured[measured["error"] != ""]
    joined = pd.concat([table, failed], ignore_index=True) if len(failed) else table.reset_index(drop=True)
    first = ["rank", "image", "gain", *PARTS, "likeness", "reason", "cells", "cells_per_mpx"]
    others = [name for name in measured.columns if name not in (*first, *FEATURES)]
    columns: pd.DataFrame = joined.reindex(columns=[*first, *others])
    return columns.astype({"rank": "Int64", "gain": "float64", "likeness": "float64"})


def _relative_uncertainty(table: pd.DataFrame) -> Any:
    columns = [name for name in table.columns if str(name).startswith("uncertainty_")]
    values = table[columns].to_numpy(dtype=float)
    if not values.size:
        return np.full(len(table), np.nan)
    total = np.nansum(values, axis=0)
    seen = ~np.isnan(values) & (total > 0)
    usual = total / np.maximum(seen.sum(axis=0), 1)
    relative = np.where(seen, values / np.where(usual > 0, usual, 1.0), 0.0)
    return np.where(seen.any(axis=1), relative.sum(axis=1) / np.maximum(seen.sum(axis=1), 1), np.nan)


def _ordered(parts: pd.DataFrame, gain: Any, *, diversity: float, same_series: float) -> tuple[Any, Any]:
    """Return the order of the images, and how alike each is to the most similar one before it."""
    by_gain = np.argsort(-np.nan_to_num(gain, nan=-1.0), kind="stable")
    compared, rest = by_gain[:_MOST_COMPARED], by_gain[_MOST_COMPARED:]
    features = np.column_stack([parts[list(FEATURES)], np.log1p(parts["cells_per_mpx"])])[compared].astype(float)
    series = [None if pd.isna(name) else str(name) for name in parts["series"].iloc[compared]]
    alike = similarities(features, series, same_series=same_series)
    order = diverse_order(gain[compared], alike, diversity=diversity)
    likeness, before = np.full(len(parts), np.nan), np.zeros(len(compared))
    for place in order.tolist():
        likeness[compared[place]] = before[place]
        before = np.maximum(before, alike[place])
    return np.concatenate([compared[order], rest]), likeness


def _reason(row: Mapping[str, Any], ranks: Mapping[str, float], training: DensityRange) -> str:
    """Say in words what speaks for an image, the strongest first."""
    named = sorted((name for name in PARTS if ranks[name] >= _HIGH), key=lambda name: -ranks[name])
    words = {
        "disagreement": f"{100 * row['disagreement']:.0f} % of the cells are not agreed upon",
        "count_spread": f"counts differ ({_counts(row)})",
        "uncertainty": f"{row['uncertainty']:.1f} times as uncertain as the mean image",
        "novelty": _novelty(row, training),
    }
    said = [words[name] for name in named if not (name == "novelty" and row["novelty"] == 0)]
    return "; ".join(said) if said else "nothing stands out"


def _counts(row: Mapping[str, Any]) -> str:
    found = [f"{key.removeprefix('cells_')} {value:.0f}" for key, value in row.items() if _is_count(key, value)]
    return ", ".join(found)


def _is_count(key: str, value: Any) -> bool:
    return key.startswith("cells_") and key != "cells_per_mpx" and pd.notna(value)


def _novelty(row: Mapping[str, Any], training: DensityRange) -> str:
    side = "more" if row["cells_per_mpx"] > training.high else "fewer"
    seen = f"{training.low:.0f} to {training.high:.0f}"
    return f"{row['cells_per_mpx']:.0f} cells per megapixel, {side} than in training ({seen})"
