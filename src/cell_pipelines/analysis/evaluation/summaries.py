"""From the counts of evaluated images to the table that a report shows: ratios with intervals, one row per class.

Counts are summed over images before they are divided, but where a mean over images is meant and says so in its name.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.metrics.count_columns import BOX_COUNTS, ERROR_COUNTS, PERCENTS
from cell_pipelines.metrics.counting import limits_of_agreement
from cell_pipelines.metrics.evaluated import COUNTS, METRICS
from cell_pipelines.metrics.intervals import Interval, mean_interval, ratio_interval
from cell_pipelines.metrics.metric import Metric
from cell_pipelines.metrics.ratios import f1, iou, panoptic_quality, precision, recall

#: The row that all classes share.
ALL: Final = "all classes"


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
        `category`, `images`, `units` (images or groups that intervals draw), `objects`, `predicted`; every metric of
        `metrics.evaluated` that is made of counts, with `…_low` and `…_high` where it has an interval; limits of
        agreement `agreement_low` and `agreement_high`; the sums `tp`, `fp`, `fn`, `split`, `merged`, `missed` and
        `spurious`. What does not apply is nan.
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
            panoptic = float(panoptic_quality(*map(np.asarray, (total, tp, fp, fn))))
            more = {"accuracy": iou(tp, fp, fn), "panoptic_quality": panoptic}
            rows.append({"category": name, "iou": percent / 100, "tp": tp, "fp": fp, "fn": fn, **quality, **more})
    names = ["category", "iou", "tp", "fp", "fn", "precision", "recall", "f1", "accuracy", "panoptic_quality"]
    return pd.DataFrame(rows, columns=names)


def _summary(name: str, images: pd.DataFrame, bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "category": name, "images": len(images), "units": len(np.unique(bootstrap["units"])),
        "objects": int(images["true"].sum()), "predicted": int(images["predicted"].sum()),
    }  # fmt: skip
    for metric in METRICS.values():
        if metric.columns:
            row |= _values(metric, images, bootstrap)
    limits = limits_of_agreement(images["true"].to_numpy(dtype=float), images["predicted"].to_numpy(dtype=float))
    row |= {"agreement_low": limits.low, "agreement_high": limits.high}
    return row | {column: _sum(images, column) for column in (*BOX_COUNTS, *ERROR_COUNTS)}


def _values(metric: Metric, images: pd.DataFrame, bootstrap: Mapping[str, Any]) -> dict[str, float]:
    """Return a metric of all images, with the ends of its interval where it has one."""
    table = images[list(metric.columns)].to_numpy(dtype=float)
    if not metric.has_interval:
        return {metric.name: metric.of_images(table)}
    if metric.over == "each image":
        interval = mean_interval(metric.of(*table.T), **bootstrap)
    elif np.isnan(table).any():
        interval = Interval(np.nan, np.nan, np.nan, bootstrap["level"])
    else:
        interval = ratio_interval(table, metric.ratio, **bootstrap)
    return {metric.name: interval.estimate, f"{metric.name}_low": interval.low, f"{metric.name}_high": interval.high}


def _sum(images: pd.DataFrame, column: str) -> float:
    """Sum a column; nan if any of it is, as a part is no whole."""
    return float(images[column].sum(skipna=False))
