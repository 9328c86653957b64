"""The score from which a predicted object counts as a cell, chosen for each class on stored predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import ClassPair, has_masks
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.pairing import Pairing
from cell_pipelines.analysis.evaluation.threshold_choice import (
    COUNTS,
    ChoiceSettings,
    choose_row,
    refuse_test,
    tabulate,
)
from cell_pipelines.metrics.centroids import match_centroids
from cell_pipelines.metrics.label_overlap import OverlapTable
from cell_pipelines.metrics.matching import match_boxes
from cell_pipelines.metrics.thresholds import best_f1_confidence, confidence_curve
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import BoolArray, FloatArray


def choose_object_thresholds(
    pairing: Pairing, settings: ChoiceSettings, *, n_thresholds: int = 50, default: float = 0.25
) -> tuple[dict[str, float], pd.DataFrame]:
    """Choose the threshold of each class on predictions that were stored with low scores, too.

    Cells are found by overlap for the objective ``f1_iou``, of masks where both sides have them and else of boxes; by
    their centroids for the others. ``f1_iou`` with ``argmax`` is exact: of all scores, not only of those in the grid,
    the midpoint of the step of highest F1 is taken.

    Args:
        pairing: Truth and predictions of the split to choose on.
        settings: By what and how.
        n_thresholds: Number of thresholds that are tried, evenly spaced from the lowest to the highest score, 2 or
            more.
        default: The threshold of a class of which nothing was predicted, or nothing that is right.

    Returns:
        The threshold of each class, and the table of `threshold_choice.tabulate` with `category` in front.

    Raises:
        ValueError: Images of the test split are among them, or `n_thresholds` is below 2.
    """
    refuse_test(pairing.truth.images["split"].to_pylist())
    if n_thresholds < 2:
        raise ValueError(f"`n_thresholds` must be at least 2, got {n_thresholds}.")
    masks, stored = has_masks(pairing), [list[_Ranked]() for _ in pairing.categories]
    matching = EvaluationSettings.for_pairing(pairing, iou=settings.iou, max_distance_px=settings.max_distance_px)
    for pair in pairing.pairs():
        for cells, images in zip(ImageEvaluation(pair, matching).classes, stored, strict=True):
            images.append(_rank(cells, settings, masks))
    chosen: dict[str, float] = {}
    tables = [tabulate([], np.zeros((0, len(COUNTS))), 0, settings.objective).assign(category="")]
    for name, images in zip(pairing.categories, stored, strict=True):
        chosen[name], table = _choose(images, settings, n_thresholds, default)
        tables.append(table.assign(category=name))
    # An empty table has no types that the others should have to follow.
    every = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
    return chosen, every[["category", *every.columns.drop("category")]]


@dataclass(frozen=True, eq=False)
class _Ranked:
    """The predictions of one class in one image, the surest first.

    Attributes:
        scores: (M,) falling.
        correct: (M,) whether each finds a cell when it and all surer ones are kept; None if centroids decide.
        true_centroids: (N, 2).
        centroids: (M, 2).
    """

    scores: FloatArray
    correct: BoolArray | None
    true_centroids: FloatArray
    centroids: FloatArray


def _rank(cells: ClassPair, settings: ChoiceSettings, masks: bool) -> _Ranked:
    truth, predictions = cells.truth, cells.predictions
    correct = None
    if settings.objective == "f1_iou" and masks:
        correct = _take_by_mask(cells.overlaps, settings.iou, predictions.objects.n_objects)
    elif settings.objective == "f1_iou":
        boxes = truth.objects.boxes, predictions.objects.boxes
        correct = match_boxes(*boxes, predictions.scores, iou_threshold=settings.iou).is_true_positive
    return _Ranked(predictions.scores, correct, truth.centroids, predictions.centroids)


def _take_by_mask(table: OverlapTable, threshold: float, n_predicted: int) -> BoolArray:
    """Let predictions, the surest first, take the true cell of highest IoU that is still free."""
    correct, taken = np.zeros(n_predicted, dtype=np.bool_), np.zeros(table.true_ids.size, dtype=np.bool_)
    ious = table.iou
    order = np.lexsort((-ious, table.predicted_index))
    for place in order[ious[order].astype(np.float32) >= np.float32(threshold)].tolist():
        true, row = table.true_index[place], table.predicted_ids[table.predicted_index[place]] - 1
        if not correct[row] and not taken[true]:
            correct[row] = taken[true] = True
    return correct


def _choose(
    images: Sequence[_Ranked], settings: ChoiceSettings, n_thresholds: int, default: float
) -> tuple[float, pd.DataFrame]:
    scores = np.concatenate([np.zeros(0), *(image.scores for image in images)])
    exact = _exact(images, scores, default) if settings.objective == "f1_iou" and settings.choice == "argmax" else None
    grid = np.linspace(scores.min(), scores.max(), n_thresholds) if scores.size else np.zeros(0)
    thresholds = np.unique(np.append(grid, [] if exact is None or not scores.size else exact))
    totals = np.sum([_count(image, thresholds, settings) for image in images], axis=0) if images else np.zeros((0, 5))
    table = tabulate([Threshold(float(threshold)) for threshold in thresholds], totals, len(images), settings.objective)
    table[["min_area_px", "min_distance_px"]] = np.nan
    row = choose_row(table, settings.objective, settings.choice)
    if exact is not None or row is None:
        return (default if exact is None else exact), table
    return float(thresholds[row]), table


def _exact(images: Sequence[_Ranked], scores: FloatArray, default: float) -> float:
    correct = np.concatenate([np.zeros(0, np.bool_), *(image.correct for image in images if image.correct is not None)])
    n_true = sum(len(image.true_centroids) for image in images)
    return best_f1_confidence(confidence_curve(scores, correct, n_true), default=default)


def _count(image: _Ranked, thresholds: FloatArray, settings: ChoiceSettings) -> FloatArray:
    """Return the counts at each threshold, (D, 5) in the order of `threshold_choice.COUNTS`."""
    kept = np.searchsorted(-image.scores, -thresholds, side="right")
    n_true = len(image.true_centroids)
    if image.correct is not None:
        tp = np.append(0, np.cumsum(image.correct))[kept]
    else:
        limit = settings.max_distance_px
        sizes, place = np.unique(kept, return_inverse=True)
        found = [
            match_centroids(image.true_centroids, image.centroids[:n], max_distance=limit).tp for n in sizes.tolist()
        ]
        tp = np.asarray(found, dtype=np.int64)[place]
    error = kept - n_true
    return np.stack([tp, kept - tp, n_true - tp, error, np.abs(error)], axis=1).astype(np.float64)
