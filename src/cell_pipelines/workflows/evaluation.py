"""Evaluate predictions against ground truth, for the nodes of the evaluation and every other entry point."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.error_kinds import count_error_kinds
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing, pair
from cell_pipelines.analysis.evaluation.summaries import instance_curve, summarise
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import concatenate, select_images
from cell_pipelines.metrics.detection import measure_average_precision
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.typing import FloatArray, IntArray
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.resampling_units import choose_groups


def evaluation_settings(pairing: Pairing, parameters: EvaluationParameters) -> EvaluationSettings:
    """Return what counts as a match."""
    rule = parameters.centroid_matching
    return EvaluationSettings.for_pairing(
        pairing,
        iou=parameters.iou,
        max_distance_px=parameters.max_distance_px,
        rule="optimal" if rule == "hungarian" else rule,
    )


@dataclass(frozen=True, eq=False)
class EvaluatedImage:
    """The tables of one evaluated image.

    Attributes:
        counts: `ImageEvaluation.counts`.
        cells: `ImageEvaluation.cells`.
        errors: Its errors of each kind; None where cells are points, which do not overlap.
        confusions: (C + 1, C + 1) cells of each true and predicted class.
    """

    counts: pd.DataFrame
    cells: pd.DataFrame
    errors: dict[str, Any] | None
    confusions: IntArray | None


def evaluate_image(image: PairedSets, settings: EvaluationSettings) -> EvaluatedImage:
    """Return the tables of one image, whose predictions are at or above their thresholds."""
    evaluation = ImageEvaluation(image, settings)
    overlapping = settings.boxes or settings.masks
    errors, confusions = count_error_kinds(evaluation) if overlapping else (None, None)
    return EvaluatedImage(evaluation.counts, evaluation.cells, errors, confusions)


def accepted_pairs(pairing: Pairing, thresholds: Mapping[str, Any]) -> Iterator[PairedSets]:
    """Yield each image with the predictions that count as cells at these thresholds."""
    limits = Thresholds.from_plain(thresholds)
    return (image.filter_by_score(limits) for image in pairing.pairs())


def evaluate(
    truth: AnnotationSet,
    predictions: AnnotationSet,
    thresholds: dict[str, Any],
    parameters: EvaluationParameters,
) -> tuple[pd.DataFrame, ...]:
    """Evaluate a model of any kind; every image is matched once.

    Returns:
        One row per class; one row per image and class with all counts; one row per true or predicted cell; the
        precision-recall curves of boxes at IoU 0.5; the quality of masks over the IoU threshold; one row per image with
        its errors of each kind; and how many cells of each class were taken for which. The last two have no row where
        cells are points, which do not overlap.
    """
    pairing = pair(truth, predictions, parameters.split)
    limits = Thresholds.from_plain(thresholds).least_scores(pairing.categories)
    return _evaluate(pairing, accepted_pairs(pairing, thresholds), limits, parameters)


def evaluate_folds(
    truth: AnnotationSet,
    folds: Sequence[tuple[AnnotationSet, Mapping[str, Any]]],
    parameters: EvaluationParameters,
) -> tuple[pd.DataFrame, ...]:
    """Evaluate the predictions of a cross-validation's models for the images that each was trained without.

    Args:
        truth: The images of all folds with their true objects, all in the split ``train``.
        folds: For each fold its predictions and the thresholds that its own model has.
        parameters: What counts as a match; its split is that of other images.

    Returns:
        As `evaluate`, of all images together; the classes have no `confidence`, since the folds have several.
    """
    pairings = [pair(select_images(truth, [truth.names.index(name) for name in cells.names]), cells, "train")
                for cells, _ in folds]  # fmt: skip
    accepted = (image for pairing, (_, limits) in zip(pairings, folds, strict=True)
                for image in accepted_pairs(pairing, limits))  # fmt: skip
    whole = pair(truth, concatenate([pairing.predictions for pairing in pairings]), "train")
    return _evaluate(whole, accepted, np.full(len(whole.categories), np.nan), parameters)


def _evaluate(
    pairing: Pairing, accepted: Iterator[PairedSets], limits: FloatArray, parameters: EvaluationParameters
) -> tuple[pd.DataFrame, ...]:
    evaluated = list(
        map_images(
            partial(evaluate_image, settings=evaluation_settings(pairing, parameters)),
            accepted,
            description="evaluating",
            total=pairing.truth.n_images,
            parallel=parameters.parallel,
        )
    )
    counts = pd.concat([image.counts for image in evaluated], ignore_index=True)
    cells = pd.concat([image.cells for image in evaluated], ignore_index=True)
    groups, _ = choose_groups(pairing.truth, parameters.resample)
    table = summarise(counts, groups=groups, n_resamples=parameters.resamples, seed=parameters.seed)
    curves = _add_average_precision(table, pairing)
    table.insert(6, "confidence", [*(limits if pairing.is_ranked else np.full_like(limits, np.nan)), np.nan])
    return table, counts, cells, curves, instance_curve(counts), *_error_tables(evaluated, pairing.categories)


def _add_average_precision(table: pd.DataFrame, pairing: Pairing) -> pd.DataFrame:
    """Insert the average precision of boxes into the table of classes; return the precision-recall curves.

    Both rank predictions by score: without scores they are nan.
    """
    n_images, n_categories = pairing.truth.n_images, len(pairing.categories)
    if not pairing.is_ranked:
        table.insert(4, "ap50", np.nan)
        table.insert(5, "ap50_95", np.nan)
        return _curve_table(pairing, np.full((101, n_categories), np.nan))
    average = measure_average_precision(*pairing.tables(), n_images=n_images, n_categories=n_categories)
    table.insert(4, "ap50", [*average.ap50, average.mean_ap50])
    table.insert(5, "ap50_95", [*average.ap50_95, average.mean_ap50_95])
    return _curve_table(pairing, average.precision[0])


def _error_tables(
    evaluated: Sequence[EvaluatedImage], categories: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from cell_pipelines.analysis.evaluation.error_kinds import CONFUSION_COLUMNS, KIND_COUNTS, tabulate_confusions

    errors = [image.errors for image in evaluated if image.errors is not None]
    kinds = pd.DataFrame(errors, columns=["image", *KIND_COUNTS])
    confusions = [image.confusions for image in evaluated if image.confusions is not None]
    if not confusions:
        return kinds, pd.DataFrame(columns=list(CONFUSION_COLUMNS))
    return kinds, tabulate_confusions(np.sum(confusions, axis=0), categories)


def _curve_table(pairing: Pairing, curves: npt.NDArray[np.float64]) -> pd.DataFrame:
    grid = np.linspace(0, 1, len(curves))
    parts = [
        pd.DataFrame({"category": name, "recall": grid, "precision": curves[:, i]})
        for i, name in enumerate(pairing.categories)
    ]
    return pd.concat(parts, ignore_index=True)
