"""Intervals of counts: learned from evaluated validation images, and checked on those of the test."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import without_ignored_regions
from cell_pipelines.analysis.evaluation.pairing import Pairing
from cell_pipelines.analysis.evaluation.summaries import ALL
from cell_pipelines.metrics.conformal import CountInterval, Scale, calibrate_counts
from cell_pipelines.metrics.intervals import mean_interval, wilson_interval
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.typing import FloatArray

_WIDE: Final = 0.75  # of the count, from which an interval leaves little of it
#: Columns of the interval of each test image.
INTERVAL_COLUMNS: Final = {
    "image": "str", "category": "str", "true": "float64", "predicted": "float64", "low": "float64", "high": "float64",
    "covered": "boolean",
}  # fmt: skip
#: Columns of how often the intervals held.
COVERAGE_COLUMNS: Final = {
    "category": "str", "images": "int64", "covered": "int64", "coverage": "float64", "coverage_low": "float64",
    "coverage_high": "float64", "level": "float64", "mean_width": "float64", "mean_width_low": "float64",
    "mean_width_high": "float64", "calibration_images": "int64", "calibration_groups": "int64",
    "mean_predicted": "float64", "images_to_narrow": "int64", "mean_width_with_many": "float64", "note": "str",
}  # fmt: skip


def count_pairs(pairing: Pairing, thresholds: Thresholds) -> pd.DataFrame:
    """Return the true and the predicted count of each image and class, as evaluation counts them.

    Args:
        pairing: Truth and predictions.
        thresholds: What counts as a cell.

    Returns:
        One row per image and class: `image`, `category`, `true`, `predicted`, `group` (None where the image has none).
    """
    groups = pairing.truth.images["group"].to_pylist()
    rows: list[dict[str, Any]] = []
    for image, group in zip(pairing.pairs(), groups, strict=True):
        kept = without_ignored_regions(image.filter_by_score(thresholds))
        counts = [
            np.bincount(side.category, minlength=len(pairing.categories)) for side in (kept.truth, kept.predictions)
        ]
        for name, true, predicted in zip(pairing.categories, *counts, strict=True):
            rows.append({"image": image.name, "category": name, "true": int(true), "predicted": int(predicted),
                         "group": group})  # fmt: skip
    return pd.DataFrame(rows, columns=["image", "category", "true", "predicted", "group"])


def calibrate_intervals(
    counts: pd.DataFrame, *, level: float = 0.9, scale: Scale = "sqrt", symmetric: bool = True, by_group: bool = False
) -> dict[str, CountInterval]:
    """Return what makes the interval of each class's count, and under `ALL` that of all classes together.

    Args:
        counts: One row per image and class, as `count_pairs` returns them.
        level: How often an interval shall hold.
        scale: How errors grow with the count, see `metrics.conformal`.
        symmetric: Whether intervals reach as far down as up.
        by_group: Whether groups, and not images, are exchangeable; an image without a group is its own.
    """
    found = {}
    for name, rows in _by_class(counts).items():
        groups = rows["group"].where(rows["group"].notna(), rows["image"]).astype(str) if by_group else None
        found[name] = calibrate_counts(
            rows["true"], rows["predicted"], level=level, scale=scale, symmetric=symmetric, groups=groups
        )
    return found


def intervals_to_record(intervals: Mapping[str, CountInterval], **facts: Any) -> dict[str, Any]:
    """Return intervals by class as plain values for a model file, with what else is to be known of them."""
    return {**facts, "classes": {name: interval.to_record() for name, interval in intervals.items()}}


def intervals_from_record(record: Mapping[str, Any]) -> dict[str, CountInterval]:
    """Return the intervals by class that `intervals_to_record` wrote; none of an empty record."""
    return {name: CountInterval.from_record(one) for name, one in record.get("classes", {}).items()}


def intervals_of(images: pd.DataFrame, intervals: Mapping[str, CountInterval]) -> pd.DataFrame:
    """Return the interval of each image and class, and of all classes together.

    Args:
        images: One row per image and class with `image`, `category`, `true` and `predicted`.
        intervals: Of each class; one without any gets rows without ends.

    Returns:
        `INTERVAL_COLUMNS`; `high` is infinite where there were too few calibration images, and `covered` missing where
        there is no finite interval.
    """
    parts = [pd.DataFrame(columns=list(INTERVAL_COLUMNS)).astype(INTERVAL_COLUMNS)]
    for name, rows in _by_class(images).items():
        ends = (np.full(len(rows), np.nan),) * 2
        if name in intervals:
            ends = intervals[name].ends(rows["predicted"].to_numpy(dtype=float))
        true = rows["true"].to_numpy(dtype=float)
        held = pd.Series((ends[0] <= true) & (true <= ends[1]), dtype="boolean")
        covered = held.where(np.isfinite(ends[1])).to_numpy(dtype=object)
        plain = rows[["image", "true", "predicted"]].reset_index(drop=True)
        parts.append(plain.assign(category=name, low=ends[0], high=ends[1], covered=covered)[list(INTERVAL_COLUMNS)])
    return pd.concat([part.astype(INTERVAL_COLUMNS) for part in parts], ignore_index=True)


def coverage_of(
    table: pd.DataFrame, intervals: Mapping[str, CountInterval], *, same_images: bool = False, seed: int = 0
) -> pd.DataFrame:
    """Return how often the intervals held the true count, and how wide they are.

    Args:
        table: As `intervals_of` returns it.
        intervals: What they were made of.
        same_images: Whether they were calibrated on these very images, so that their coverage shows nothing.
        seed: Of the bootstrap over images for the mean width's interval.

    Returns:
        `COVERAGE_COLUMNS`, one row per class and one for all; coverage with Wilson's interval over images. Next to the
        width stand the mean predicted count, with how many calibration images (or groups) it would be narrower (0 where
        more hardly help), and about how wide it would be with many. `note` says why there is no coverage, what speaks
        against it, and where the width leaves little of the count.
    """
    parts = [pd.DataFrame(columns=list(COVERAGE_COLUMNS)).astype(COVERAGE_COLUMNS)]
    rows = [_coverage_row(str(name), own, intervals.get(str(name)), same_images, seed)
            for name, own in table.groupby("category", sort=False)]  # fmt: skip
    found = pd.DataFrame(rows, columns=list(COVERAGE_COLUMNS)).astype(COVERAGE_COLUMNS)
    return pd.concat([*parts, found], ignore_index=True)


def _coverage_row(
    name: str, rows: pd.DataFrame, interval: CountInterval | None, same_images: bool, seed: int
) -> dict[str, Any]:
    known = rows[rows["covered"].notna()]
    hits = int(known["covered"].sum())
    share = wilson_interval(hits, len(known))
    width = mean_interval(known["high"] - known["low"], seed=seed)
    predicted = rows["predicted"].to_numpy(dtype=float)
    narrower = interval.width_with_many(predicted).mean() if interval and interval.is_finite and len(rows) else np.nan
    parts = ["calibrated on these very images" if same_images else "", width_note(interval, predicted)]
    note = "; ".join(part for part in parts if part)
    if interval is None:
        note = "the model file holds no interval"
    elif not interval.is_finite:
        note = f"infinite: {interval.groups} calibration {_counted(interval)} are too few"
    return {
        "category": name, "images": len(rows), "covered": hits, "coverage": share.estimate, "coverage_low": share.low,
        "coverage_high": share.high, "level": interval.level if interval else np.nan, "mean_width": width.estimate,
        "mean_width_low": width.low, "mean_width_high": width.high,
        "calibration_images": interval.images if interval else 0,
        "calibration_groups": interval.groups if interval else 0,
        "mean_predicted": predicted.mean() if len(rows) else np.nan,
        "images_to_narrow": interval.images_to_narrow if interval else 0, "mean_width_with_many": narrower,
        "note": note,
    }  # fmt: skip


def width_note(interval: CountInterval | None, predicted: FloatArray) -> str:
    """Say that intervals are wide for their counts, and what more calibration images would change; else empty.

    Args:
        interval: Of one class.
        predicted: (I,) the counts that it is made of.
    """
    if interval is None or not interval.is_finite or not predicted.any():
        return ""
    low, high = interval.ends(predicted)
    width, count = float((high - low).mean()), float(predicted.mean())
    if width < _WIDE * count:
        return ""
    text = f"wide: {width:.0f} cells on average at a mean count of {count:.0f}"
    if not interval.images_to_narrow:
        return f"{text}; errors are this large, more calibration images would hardly narrow it"
    text += f", set by the largest error of {interval.groups} calibration {_counted(interval)}; with "
    text += f"{interval.images_to_narrow} or more it is left out"
    many = float(interval.width_with_many(predicted).mean())
    return f"{text}, and with many about {many:.0f} cells are left" if many < width else text


def _counted(interval: CountInterval) -> str:
    return "groups" if interval.groups < interval.images else "images"


def _by_class(images: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each class, and under `ALL` each image's counts summed over its classes."""
    groups = {str(name): rows for name, rows in images.groupby("category", sort=False)}
    first = {"group": "first"} if "group" in images else {}
    total = images.groupby("image", sort=False).agg({"true": "sum", "predicted": "sum", **first}).reset_index()
    return {**groups, ALL: total} if len(images) else groups
