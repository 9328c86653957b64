"""The score from which a predicted object counts as a cell, chosen for each class on stored predictions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import ClassPair
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing
from cell_pipelines.analysis.evaluation.threshold_choice import (
    COUNTS,
    ChoiceSettings,
    Objective,
    choose_row,
    refuse_test,
    tabulate,
)
from cell_pipelines.metrics.centroid_counts import count_found
from cell_pipelines.metrics.label_overlap import OverlapTable
from cell_pipelines.metrics.matching import match_boxes
from cell_pipelines.metrics.thresholds import best_f1_confidence, confidence_curve
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

_NOTHING = np.zeros(1, dtype=np.int64)


def rankings(pairing: Pairing, settings: ChoiceSettings) -> Iterator["Ranking"]:
    """Yield the work on each image of a pairing, whose results `choose_ranked_thresholds` takes in this order.

    Raises:
        ValueError: Images of the test split are among them.
    """
    refuse_test(pairing.truth.images["split"].to_pylist())
    matching = EvaluationSettings.for_pairing(pairing, iou=settings.iou, max_distance_px=settings.max_distance_px)
    return (Ranking(pair, matching, settings.objective) for pair in pairing.pairs())


def choose_ranked_thresholds(
    categories: Sequence[str],
    images: Iterable[Sequence["Ranked"]],
    settings: ChoiceSettings,
    *,
    n_thresholds: int = 50,
    default: float = 0.25,
) -> tuple[dict[str, float], pd.DataFrame]:
    """Choose the threshold of each class on predictions that were stored with low scores, too.

    Cells are found by overlap for the objective ``f1_iou``, of masks where both sides have them and else of boxes; by
    their centroids for the others. ``f1_iou`` with ``argmax`` is exact: of all scores, not only of those in the grid,
    the midpoint of the step of highest F1 is taken.

    Args:
        categories: Class names.
        images: For each image what its `Ranking` gave, one `Ranked` per class.
        settings: By what and how.
        n_thresholds: Number of thresholds that are tried, evenly spaced from the lowest to the highest score, 2 or
            more.
        default: The threshold of a class of which nothing was predicted, or nothing that is right; of equally good
            ones the nearest to it is taken.

    Returns:
        The threshold of each class, and the table of `threshold_choice.tabulate` with `category` in front.

    Raises:
        ValueError: `n_thresholds` is below 2.
    """
    if n_thresholds < 2:
        raise ValueError(f"`n_thresholds` must be at least 2, got {n_thresholds}.")
    stored = [list[Ranked]() for _ in categories]
    for image in images:
        for of_class, ranked in zip(stored, image, strict=True):
            of_class.append(ranked)
    chosen: dict[str, float] = {}
    tables = [tabulate([], np.zeros((0, 0, len(COUNTS))), settings.objective).assign(category="")]
    for name, of_class in zip(categories, stored, strict=True):
        chosen[name], table = _choose(of_class, settings, n_thresholds, default)
        tables.append(table.assign(category=name))
    # An empty table has no types that the others should have to follow.
    every = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
    return chosen, every[["category", *every.columns.drop("category")]]


@dataclass(frozen=True, eq=False)
class Ranked:
    """The predictions of one class in one image, the surest first.

    Attributes:
        scores: (M,) falling.
        tp: (M + 1,) true cells that the first 0 to M predictions find.
        n_true: Number of true cells.
        correct: (M,) whether each finds a cell when it and all surer ones are kept; None if centroids decide.
    """

    scores: FloatArray
    tp: IntArray
    n_true: int
    correct: BoolArray | None


@dataclass(frozen=True, eq=False)
class Ranking:
    """The work on one image: which of its true cells are found at every number of predictions.

    Attributes:
        pair: The image.
        matching: What counts as a match.
        objective: By overlap for ``f1_iou``, else by centroids.
    """

    pair: PairedSets
    matching: EvaluationSettings
    objective: Objective

    def run(self) -> list[Ranked]:
        """Return the ranked predictions of each class."""
        return [self._rank(cells) for cells in ImageEvaluation(self.pair, self.matching).classes]

    def _rank(self, cells: ClassPair) -> Ranked:
        truth, predictions = cells.truth, cells.predictions
        n_true, scores = truth.objects.n_objects, predictions.scores
        if self.objective != "f1_iou":
            limit = self.matching.max_distance_px
            found = count_found(truth.centroids, predictions.centroids, max_distance=limit) if scores.size else _NOTHING
            return Ranked(scores, found, n_true, None)
        if self.matching.masks:
            correct = _take_by_mask(cells.overlaps, self.matching.iou, scores.size) if n_true and scores.size else None
        else:
            boxes = truth.objects.boxes, predictions.objects.boxes
            correct = match_boxes(*boxes, scores, iou_threshold=self.matching.iou).is_true_positive
        correct = np.zeros(scores.size, dtype=np.bool_) if correct is None else correct
        return Ranked(scores, np.append(0, np.cumsum(correct)), n_true, correct)


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
    images: Sequence[Ranked], settings: ChoiceSettings, n_thresholds: int, default: float
) -> tuple[float, pd.DataFrame]:
    scores = np.concatenate([np.zeros(0), *(image.scores for image in images)])
    exact = _exact(images, scores, default) if settings.objective == "f1_iou" and settings.choice == "argmax" else None
    grid = np.linspace(scores.min(), scores.max(), n_thresholds) if scores.size else np.zeros(0)
    besides = {"one_standard_error": default}.get(settings.choice, exact)
    thresholds = np.unique(np.append(grid, besides if scores.size and besides is not None else []))
    counts = np.array([_count(image, thresholds) for image in images]).reshape(len(images), -1, len(COUNTS))
    table = tabulate([Threshold(float(threshold)) for threshold in thresholds], counts, settings.objective)
    table[["min_area_px", "min_distance_px"]] = np.nan
    row = choose_row(table, settings.objective, settings.choice, Threshold(default))
    if exact is not None or row is None:
        return (default if exact is None else exact), table
    return float(thresholds[row]), table


def _exact(images: Sequence[Ranked], scores: FloatArray, default: float) -> float:
    correct = np.concatenate([np.zeros(0, np.bool_), *(image.correct for image in images if image.correct is not None)])
    n_true = sum(image.n_true for image in images)
    return best_f1_confidence(confidence_curve(scores, correct, n_true), default=default)


def _count(image: Ranked, thresholds: FloatArray) -> FloatArray:
    """Return the counts at each threshold, (D, 5) in the order of `threshold_choice.COUNTS`."""
    kept = np.searchsorted(-image.scores, -thresholds, side="right")
    tp, error = image.tp[kept], kept - image.n_true
    return np.stack([tp, kept - tp, image.n_true - tp, error, np.abs(error)], axis=1).astype(np.float64)
