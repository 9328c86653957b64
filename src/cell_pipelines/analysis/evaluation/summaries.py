"""From the counts of evaluated images to the table that a report shows: ratios with intervals, one row per class.

Counts are summed over images before they are divided, but where a mean over images is meant and says so in its name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.metrics.count_columns import (
    BOX_COUNTS,
    COUNTS,
    ERROR_COUNTS,
    PERCENTS,
    PIXEL_COUNTS,
)
from cell_pipelines.metrics.counting import count_errors, limits_of_agreement
from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.metrics.intervals import Interval, mean_interval, ratio_interval
from cell_pipelines.metrics.ratios import (
    dice,
    f1,
    iou,
    panoptic_quality,
    precision,
    recall,
)

Ratio = Callable[..., Any]

#: The row that all classes share.
ALL: Final = "all classes"
#: Metrics that are ratios of summed counts, with an interval and without.
_WITH_INTERVAL: Final = tuple(metric for metric in METRICS.values() if metric.columns and metric.has_interval)
_WITHOUT_INTERVAL: Final = tuple(metric for metric in METRICS.values() if metric.columns and not metric.has_interval)


def summarise(
    counts: pd.DataFrame,
    *,
    groups: Mapping[str, str] | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return one row per class, and a last one for all classes together.

    Args:
        counts: `ImageEvaluation.counts` of all images, one below the other.
        groups: For each image the series, well or recording that is drawn whole; an image without one is drawn alone,
            and so are all of them by default.
        n_resamples: Bootstrap samples for the intervals (BCa).
        seed: Of the bootstrap.
        level: Of the intervals.

    Returns:
        `category`, `images`, `units` (images or groups that intervals draw), `objects`, `predicted`; `f1`,
        `centroid_f1`, `instance_f1` (at IoU 0.5), `panoptic_quality`, `aggregated_jaccard`, `pixel_iou`, `dice`,
        `image_iou_mean`, `image_dice_mean`, `count_mae` and `count_bias`, each with `…_low` and `…_high`; `precision`,
        `recall` and those of centroids and instances; `instance_accuracy`, `instance_f1_mean` and
        `instance_accuracy_mean` over IoU 0.5 to 0.95, `mean_matched_iou`; `count_medae`, `count_rmse`, `count_mpe`,
        `count_r2`, limits of agreement `agreement_low` and `agreement_high`;
        the sums `tp`, `fp`, `fn`, `split`, `merged`, `missed` and `spurious`. What does not apply is nan.
    """
    bootstrap = {"n_resamples": n_resamples, "seed": seed, "level": level}
    rows = []
    for name, images in by_class(counts).items():
        units = resampling_units(images["image"], groups)
        rows.append(_summary(name, images, {**bootstrap, "units": units}))
    return pd.DataFrame(rows)


def resampling_units(images: Iterable[str], groups: Mapping[str, str] | None) -> npt.NDArray[np.int64]:
    """Return which unit each image belongs to, (I,) from 0: its group, or itself where it has none."""
    known = groups or {}
    # A pair keeps an image without a group apart from a group of the same name.
    keys = [("group", known[image]) if known.get(image) else ("image", image) for image in images]
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return np.array([places[key] for key in keys], dtype=np.int64)


def by_class(counts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each class, and under `ALL` the counts of each image summed over its classes."""
    groups = {str(name): rows for name, rows in counts.groupby("category", sort=False)}
    columns = counts[list(COUNTS)].astype(float)
    totals, missing = (part.groupby(counts["image"], sort=False) for part in (columns, columns.isna()))
    # A sum of a count that some class does not have is not that of the image.
    return {**groups, ALL: totals.sum().mask(missing.any()).reset_index()}


def instance_curve(counts: pd.DataFrame) -> pd.DataFrame:
    """Return how quality falls with the overlap that is asked for: one row per class and IoU threshold.

    Args:
        counts: `ImageEvaluation.counts` of all images, one below the other.

    Returns:
        `category`, `iou`, `tp`, `fp`, `fn`, `precision`, `recall`, `f1`, `accuracy` (TP / (TP + FP + FN)) and
        `panoptic_quality`; no row for a class without masks on both sides.
    """
    rows: list[dict[str, Any]] = []
    for name, images in by_class(counts).items():
        for percent in PERCENTS:
            tp, fp, fn, total = (_sum(images, f"instance_{count}_{percent}") for count in ("tp", "fp", "fn", "iou"))
            if np.isnan(tp):
                continue
            quality = {"precision": precision(tp, fp), "recall": recall(tp, fn), "f1": f1(tp, fp, fn)}
            more = {"accuracy": iou(tp, fp, fn), "panoptic_quality": float(_ratio(panoptic_quality, total, tp, fp, fn))}
            rows.append({"category": name, "iou": percent / 100, "tp": tp, "fp": fp, "fn": fn, **quality, **more})
    names = ["category", "iou", "tp", "fp", "fn", "precision", "recall", "f1", "accuracy", "panoptic_quality"]
    return pd.DataFrame(rows, columns=names)


def _summary(name: str, images: pd.DataFrame, bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "category": name, "images": len(images), "units": len(np.unique(bootstrap["units"])),
        "objects": int(images["true"].sum()), "predicted": int(images["predicted"].sum()),
    }  # fmt: skip
    for metric in _WITH_INTERVAL:
        row |= _with_ends(metric.name, _ratio_of(images, metric.columns, metric.ratio, bootstrap))
    for metric in _WITHOUT_INTERVAL:
        row[metric.name] = float(_ratio(metric.ratio, *(_sum(images, column) for column in metric.columns)))
    curves = [[_sum(images, f"instance_{count}_{percent}") for count in ("tp", "fp", "fn")] for percent in PERCENTS]
    row["instance_f1_mean"] = float(np.mean([_ratio(f1, *counts) for counts in curves]))
    row["instance_accuracy_mean"] = float(np.mean([_ratio(iou, *counts) for counts in curves]))
    pixels = [images[column].to_numpy(dtype=float) for column in PIXEL_COUNTS]
    for name_of_mean, ratio in (("image_iou_mean", iou), ("image_dice_mean", dice)):
        row |= _with_ends(name_of_mean, mean_interval(_ratio(ratio, *pixels), **bootstrap))
    row |= _count_columns(images, bootstrap)
    return row | {column: _sum(images, column) for column in (*BOX_COUNTS, *ERROR_COUNTS)}


def _count_columns(images: pd.DataFrame, bootstrap: Mapping[str, Any]) -> dict[str, float]:
    true, predicted = (images[column].to_numpy(dtype=float) for column in ("true", "predicted"))
    errors, limits = count_errors(true, predicted), limits_of_agreement(true, predicted)
    return {
        **_with_ends("count_mae", mean_interval(np.abs(predicted - true), **bootstrap)),
        **_with_ends("count_bias", mean_interval(predicted - true, **bootstrap)),
        "count_medae": errors.medae, "count_rmse": errors.rmse, "count_mpe": errors.mpe, "count_r2": errors.r2,
        "agreement_low": limits.low, "agreement_high": limits.high,
    }  # fmt: skip


def _ratio_of(images: pd.DataFrame, columns: tuple[str, ...], ratio: Ratio, bootstrap: Mapping[str, Any]) -> Interval:
    table = images[list(columns)].to_numpy(dtype=float)
    if np.isnan(table).any():
        return Interval(np.nan, np.nan, np.nan, bootstrap["level"])
    return ratio_interval(table, ratio, **bootstrap)


def _with_ends(metric: str, interval: Interval) -> dict[str, float]:
    return {metric: interval.estimate, f"{metric}_low": interval.low, f"{metric}_high": interval.high}


def _sum(images: pd.DataFrame, column: str) -> float:
    """Sum a column; nan if any of it is, as a part is no whole."""
    return float(images[column].sum(skipna=False))


def _ratio(ratio: Ratio, *values: Any) -> Any:
    """Divide, with nan where a count is missing."""
    columns = [np.asarray(value, dtype=np.float64) for value in values]
    missing = np.isnan(columns).any(axis=0)
    found = np.asarray(ratio(*(np.where(missing, 0.0, column) for column in columns)), dtype=np.float64)
    return np.where(missing, np.nan, found)
