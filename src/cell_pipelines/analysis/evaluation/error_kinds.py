"""Count the kinds of errors that a model makes, what they cost, and which class it takes for which.

Boxes and masks are treated alike (`metrics/detection_errors.py`): masks where both sides have them, else boxes. There
is nothing for points, which do not overlap.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import ClassPair
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.metrics.detection_errors import (
    ERROR_KINDS,
    Overlaps,
    count_confusions,
    count_errors,
    f1_lost,
    find_detection_errors,
)
from cell_pipelines.metrics.label_overlap import overlap_table
from cell_pipelines.metrics.matching import box_iou
from cell_pipelines.typing import BoolArray, IntArray

#: Counts that may be summed over images.
KIND_COUNTS: Final = (*ERROR_KINDS, "mended_classification", "mended_localisation", "tp", "fp", "fn")

#: What stands in a table of confusions where a prediction has no cell, and a cell no prediction.
NOTHING: Final = "(nothing)"
MISSED: Final = "(missed)"
CONFUSION_COLUMNS: Final = ("true", "predicted", "cells")

MEANINGS: Final = {
    "classification": "lies well on a cell of another class",
    "localisation": "overlaps a cell of its class, but too little",
    "both": "overlaps a cell of another class, and too little",
    "duplicate": "lies well on a cell that a surer one has found",
    "background": "overlaps no cell by more than 0.1",
    "missed": "a true cell that no prediction found and no error above points to",
}


def count_error_kinds(evaluation: ImageEvaluation) -> tuple[dict[str, Any], IntArray]:
    """Count the errors of one evaluated image.

    Returns:
        `image` and `KIND_COUNTS`, all classes together; and which class is taken for which, (C + 1, C + 1) as
        `metrics.detection_errors.count_confusions` gives it. A mask that others of its class with higher scores hide
        wholly counts as little as it does in the evaluation.
    """
    settings, classes = evaluation.settings, evaluation.classes
    matches = evaluation.matches("mask" if settings.masks else "box")
    found, correct = (_joined([match[side] for match in matches]) for side in (0, 1))
    visible = [_visible(cells, settings) for cells in classes]
    true_seen, seen = (_joined([flags[side] for flags in visible]) for side in (0, 1))
    true_categories, categories = (
        np.repeat(np.arange(len(classes)), [len(match[side]) for match in matches]).astype(np.int64) for side in (0, 1)
    )
    overlaps = _overlaps(classes, settings)
    renumbered = Overlaps(_places(seen)[overlaps.prediction], _places(true_seen)[overlaps.cell], overlaps.iou)
    found, correct = found[true_seen], correct[seen]
    sides = categories[seen], true_categories[true_seen]
    errors = find_detection_errors(renumbered, *sides, correct=correct, found=found, least=settings.iou)
    tp = int(correct.sum())
    hits = {"tp": tp, "fp": len(correct) - tp, "fn": int((~found).sum())}
    confusions = count_confusions(errors, *sides, correct=correct, found=found, n_categories=len(classes))
    return {"image": evaluation.name, **count_errors(errors, found), **hits}, confusions


def tabulate_confusions(counts: IntArray, categories: Sequence[str]) -> pd.DataFrame:
    """Return one row per pair of classes: `true`, `predicted` and `cells`.

    Args:
        counts: (C + 1, C + 1) as `count_error_kinds` gives it, of one image or summed over many.
        categories: Names of the C classes; `NOTHING` stands for no true cell, `MISSED` for no prediction.
    """
    rows = [
        {"true": true, "predicted": predicted, "cells": int(counts[i, j])}
        for i, true in enumerate((*categories, NOTHING))
        for j, predicted in enumerate((*categories, MISSED))
        if (true, predicted) != (NOTHING, MISSED)
    ]
    return pd.DataFrame(rows, columns=list(CONFUSION_COLUMNS))


def summarise_error_kinds(counts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of error, all images together.

    Args:
        counts: One row per image with `KIND_COUNTS`; it may be empty.

    Returns:
        `error`, `errors` (how many), `share` (of all errors; nan without any), `images` (with at least one),
        `f1_lost` (what mending them all would bring) and `meaning`.
    """
    totals = {name: float(counts[name].sum()) for name in KIND_COUNTS}
    lost = f1_lost(totals, totals["tp"], totals["fp"], totals["fn"])
    every = sum(totals[name] for name in ERROR_KINDS)
    return pd.DataFrame(
        [
            {
                "error": name,
                "errors": int(totals[name]),
                "share": totals[name] / every if every else np.nan,
                "images": int((counts[name] > 0).sum()),
                "f1_lost": lost[name],
                "meaning": MEANINGS[name],
            }
            for name in ERROR_KINDS
        ]
    )


def _visible(cells: ClassPair, settings: EvaluationSettings) -> tuple[BoolArray, BoolArray]:
    """Return which true and predicted cells of a class are visible: of masks, those that no other hides wholly."""
    sides = cells.truth, cells.predictions
    if not settings.masks:
        return tuple(np.ones(side.objects.n_objects, dtype=np.bool_) for side in sides)  # type: ignore[return-value]
    flags = tuple(np.zeros(side.objects.n_objects, dtype=np.bool_) for side in sides)
    for own, ids in zip(flags, (cells.overlaps.true_ids, cells.overlaps.predicted_ids), strict=True):
        own[ids - 1] = True
    return flags  # type: ignore[return-value]


def _joined(parts: list[BoolArray]) -> BoolArray:
    return np.concatenate([np.zeros(0, dtype=np.bool_), *parts])


def _places(kept: BoolArray) -> IntArray:
    """Return the place of each that is kept among those that are."""
    return np.cumsum(kept) - 1


def _overlaps(classes: Sequence[ClassPair], settings: EvaluationSettings) -> Overlaps:
    parts = list(_overlaps_of_masks(classes) if settings.masks else _overlaps_of_boxes(classes))
    none = np.zeros(0, dtype=np.int64)
    prediction, cell = (np.concatenate([none, *(part[side] for part in parts)]) for side in (0, 1))
    return Overlaps(prediction, cell, np.concatenate([np.zeros(0), *(part[2] for part in parts)]))


def _overlaps_of_masks(classes: Sequence[ClassPair]) -> Iterator[tuple[IntArray, IntArray, npt.NDArray[np.float64]]]:
    """Yield the overlaps of each class's predictions with each class's cells, numbered over all classes."""
    before = 0
    for one in classes:
        true_before = 0
        for other in classes:
            table = one.overlaps if one is other else overlap_table(other.truth.labels, one.predictions.labels)
            predicted, true = table.predicted_ids[table.predicted_index], table.true_ids[table.true_index]
            yield predicted - 1 + before, true - 1 + true_before, table.iou
            true_before += other.truth.objects.n_objects
        before += one.predictions.objects.n_objects


def _overlaps_of_boxes(classes: Sequence[ClassPair]) -> Iterator[tuple[IntArray, IntArray, npt.NDArray[np.float64]]]:
    none = np.zeros((0, 4))
    boxes = np.concatenate([none, *(one.predictions.objects.boxes for one in classes)])
    iou = box_iou(boxes, np.concatenate([none, *(one.truth.objects.boxes for one in classes)]))
    predicted, true = np.nonzero(iou)
    yield predicted.astype(np.int64), true.astype(np.int64), iou[predicted, true]
