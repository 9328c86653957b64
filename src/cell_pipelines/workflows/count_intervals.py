"""Intervals of the counts of new images, as the model file says how to make them."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.count_intervals import intervals_from_record, width_note
from cell_pipelines.analysis.evaluation.summaries import ALL
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)


def interval_columns(
    counts: npt.NDArray[np.int64],
    columns: Mapping[str, str],
    model: TrainedModel,
    *,
    own_thresholds: bool,
) -> pd.DataFrame:
    """Return the interval of each count: columns ``…_low`` and ``…_high`` of each class and of ``total``.

    Args:
        counts: (N, K) counts of each image and class.
        columns: For each of the K classes the name of its column.
        model: The model, whose file may hold intervals.
        own_thresholds: Whether the thresholds are those of the model file, for which alone its intervals hold.

    Returns:
        These columns, one row per image, nan where there is no interval and infinite at the top where there were too
        few calibration images, and ``interval_level`` and ``interval_note``, which says why, and on what they were
        calibrated where that is known.
    """
    stored = model.record.get("count_interval") or {}
    intervals = intervals_from_record(stored) if own_thresholds else {}
    note = _note(stored, own_thresholds=own_thresholds)
    if note:
        logger.warning("%s: %s.", model.path, note)
    found: dict[str, Any] = {}
    named = [*zip(columns.items(), counts.T, strict=True), ((ALL, "total"), counts.sum(axis=1))]
    for (key, column), numbers in named:
        ends = intervals[key].ends(numbers) if key in intervals else (np.full(len(counts), np.nan),) * 2
        found |= {f"{column}_low": ends[0], f"{column}_high": ends[1]}
    level = stored["level"] if intervals else np.nan
    wide = width_note(intervals.get(ALL), counts.sum(axis=1).astype(np.float64))
    if wide and not note:
        logger.warning("%s: intervals of the total counts are %s.", model.path, wide)
    note = note or "; ".join(filter(None, [_describe_source(stored), wide]))
    return pd.DataFrame({**found, "interval_level": level, "interval_note": note}, index=range(len(counts)))


def _describe_source(stored: Mapping[str, Any]) -> str:
    """Return on which images intervals were calibrated, where the model file names them."""
    if not (source := stored.get("calibrated_on")):
        return ""
    return (
        f"intervals were calibrated on validation images of {source}, not on yours; on images of another source they "
        "may hold the true count less often than their level says"
    )


def _note(stored: Mapping[str, Any], *, own_thresholds: bool) -> str:
    if not stored.get("classes"):
        return "the model file holds no intervals of counts"
    if not own_thresholds:
        return "intervals of counts hold for the thresholds of the model file only, and another was given"
    unlimited = [name for name, one in stored["classes"].items() if one["below"] is None or one["above"] is None]
    return f"too few calibration images for a finite interval of {', '.join(unlimited)}" if unlimited else ""
