"""Nodes of the threshold optimisation."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.pairing import pair
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.metrics.thresholds import (
    ConfidenceCurve,
    best_f1_confidence,
    confidence_curves_by_category,
)
from cell_pipelines.pipelines.curve_columns import confidence_curves
from cell_pipelines.pipelines.threshold_optimisation.parameters import ThresholdParameters

# Points of a curve that are kept for figures.
_POINTS = 400


def choose_thresholds(
    truth: AnnotationSet, predictions: AnnotationSet, parameters: ThresholdParameters
) -> tuple[dict[str, float], pd.DataFrame]:
    """Return for each class the confidence of the best F1, and the curves it was chosen on."""
    pairing = pair(truth, predictions, parameters.split)
    matchings = [image.match(parameters.iou) for image in pairing.images()]
    right = np.concatenate([m.is_true_positive for m in matchings])
    order = np.argsort(pairing.predictions.image_index, kind="stable")
    scores, categories = (getattr(pairing.predictions, key)[order] for key in ("scores", "category"))
    n_true = np.bincount(pairing.truth.category, minlength=len(pairing.categories))
    curves = confidence_curves_by_category(scores.astype(float), categories, right, n_true)
    named = dict(zip(pairing.categories, curves, strict=True))
    table = pd.concat([_rows(name, curve) for name, curve in named.items()], ignore_index=True)
    return {name: best_f1_confidence(curve) for name, curve in named.items()}, table


def _rows(name: str, curve: ConfidenceCurve) -> pd.DataFrame:
    size = len(curve.confidence)
    kept = np.unique(np.linspace(0, size - 1, min(size, _POINTS)).astype(int)) if size else np.array([], dtype=int)
    columns = {key: getattr(curve, key)[kept] for key in ("confidence", "precision", "recall", "f1")}
    return pd.DataFrame({"category": name, **columns})


def store_thresholds(checkpoint: Path, thresholds: dict[str, float]) -> bytes:
    """Return the model with its thresholds inside."""
    from cell_pipelines.models.yolo_checkpoint import with_record

    return with_record(checkpoint, {"thresholds": thresholds})


def plot_thresholds(table: pd.DataFrame, thresholds: dict[str, float]) -> Any:
    """Return a figure of precision, recall and F1 over confidence, with the chosen points."""
    from cell_pipelines.report.curves import plot_confidence_curves

    return plot_confidence_curves(confidence_curves(table), thresholds)
