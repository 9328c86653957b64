"""What counted as a cell: the thresholds of a model file, or the one given in their place."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects

logger = logging.getLogger(__name__)

#: Where a detector's file says no threshold; what Ultralytics' `predict` uses.
DEFAULT_THRESHOLD = 0.25


def applied_thresholds(
    record: Mapping[str, Any], categories: Sequence[str], confidence: float | None = None
) -> dict[str, Any]:
    """Return what was applied to each class: how a network's cells were cut out, or a detector's least score.

    Args:
        record: What the project wrote into the model file.
        categories: Classes of the model.
        confidence: Threshold in place of those; None for those.
    """
    if record.get("decoding"):
        changed = {} if confidence is None else {"cutoff": confidence}
        return {name: {**stored, **changed} for name, stored in record["decoding"].items()}
    stored = record.get("thresholds") or {}
    return {name: stored.get(name, DEFAULT_THRESHOLD) if confidence is None else confidence for name in categories}


def thresholds_text(record: Mapping[str, Any], categories: Sequence[str], confidence: float | None = None) -> str:
    """Return `applied_thresholds` as it stands in tables."""
    return json.dumps(applied_thresholds(record, categories, confidence), sort_keys=True)


def above_thresholds(
    found: AnnotationSet, record: dict[str, Any], confidence: float | None, checkpoint: Path
) -> AnnotationSet:
    """Return the objects that reach their class's threshold: the model's own, or the one given in its place."""
    thresholds = record.get("thresholds", {})
    if confidence is None and not thresholds:
        logger.warning("%s has no stored thresholds; %.2f is used.", checkpoint, DEFAULT_THRESHOLD)
    applied = applied_thresholds(record, found.categories, confidence)
    limits = np.array([applied[name] for name in found.categories])
    return select_objects(found, found.scores.astype(np.float64) >= limits[found.category])
