"""Nodes of the evaluation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation, Kind
from cell_pipelines.analysis.evaluation.matched_cells import match_cells
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing, pair
from cell_pipelines.analysis.evaluation.summaries import ALL, instance_curve, summarise
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.metrics.detection import measure_average_precision
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.curve_columns import precision_recall_curves
from cell_pipelines.workflows.drawing import picture_name
from cell_pipelines.workflows.evaluation import (
    EvaluatedImage,
    accepted_pairs,
    evaluate_image,
    evaluation_settings,
)
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.resampling_units import choose_groups


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
    evaluated = list(
        map_images(
            partial(evaluate_image, settings=evaluation_settings(pairing, parameters)),
            accepted_pairs(pairing, thresholds),
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
    limits = Thresholds.from_plain(thresholds).least_scores(pairing.categories)
    table.insert(6, "confidence", [*limits, np.nan])
    return table, counts, cells, curves, instance_curve(counts), *_error_tables(evaluated, pairing.categories)


def _add_average_precision(table: pd.DataFrame, pairing: Pairing) -> pd.DataFrame:
    """Insert the average precision of boxes into the table of classes; return the precision-recall curves."""
    n_images, n_categories = pairing.truth.n_images, len(pairing.categories)
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


def log_metrics(table: pd.DataFrame, parameters: EvaluationParameters) -> dict[str, dict[str, float]]:
    """Return the metrics as MLflow wants them, the same names for every model."""
    metrics: dict[str, dict[str, float]] = {}
    for row in table.to_dict(orient="records"):
        suffix = "" if row["category"] == ALL else f"/{row['category']}"
        for key, value in row.items():
            if key not in ("category", "images", "units") and pd.notna(value):
                metrics[f"{parameters.split}_{key}{suffix}"] = {"value": float(value), "step": 0}
    return metrics


def plot_confusion(confusions: pd.DataFrame) -> Any:
    """Return a figure of which class is taken for which."""
    from cell_pipelines.report.figures.confusion import plot_confusions

    return plot_confusions(confusions)


def plot_precision_recall_curves(curves: pd.DataFrame, table: pd.DataFrame) -> Any:
    """Return a figure of precision over recall at IoU 0.5, one line per class."""
    from cell_pipelines.report.figures.curves import plot_precision_recall

    return plot_precision_recall(
        precision_recall_curves(curves), dict(zip(table["category"], table["ap50"], strict=True))
    )


def plot_count_agreement(images: pd.DataFrame) -> Any:
    """Return a figure of predicted over true counts and their agreement."""
    from cell_pipelines.report.figures.distributions import plot_counts

    return plot_counts(images[["image", "category", "true", "predicted"]])


def plot_instances(curves: pd.DataFrame) -> Any:
    """Return a figure of the quality of masks over the IoU that counts as found."""
    from cell_pipelines.report.figures.comparison import plot_instance_curve

    return plot_instance_curve(curves)


def draw_errors(
    truth: AnnotationSet, predictions: AnnotationSet, thresholds: dict[str, Any],
    images: dict[str, ImageFile], parameters: EvaluationParameters,
) -> Callable[[Path], None]:  # fmt: skip
    """Return what fills a folder with the images and their true positives, false positives and false negatives."""
    return partial(_write_overlays, pair(truth, predictions, parameters.split), thresholds, images, parameters)


def _write_overlays(
    pairing: Pairing,
    thresholds: dict[str, Any],
    images: dict[str, ImageFile],
    parameters: EvaluationParameters,
    folder: Path,
) -> None:
    settings = evaluation_settings(pairing, parameters)
    jobs: Iterator[_ErrorOverlay] = (
        _ErrorOverlay(image, images[image.name], settings, parameters.matching, folder)
        for image in accepted_pairs(pairing, thresholds)
    )
    total = pairing.truth.n_images
    for _ in map_images(_ErrorOverlay.run, jobs, description="drawing", total=total, parallel=parameters.parallel):
        continue


@dataclass(frozen=True, eq=False)
class _ErrorOverlay:
    """One image to be drawn on: outlines where both sides have masks, else boxes."""

    image: PairedSets
    file: ImageFile
    settings: EvaluationSettings
    kind: Kind | None
    folder: Path

    def run(self) -> None:
        """Draw and write."""
        from cell_pipelines.report.overlays.boxes import overlay_matches
        from cell_pipelines.report.overlays.instances import overlay_instances

        picture = to_rgb(to_uint8(self.file()))
        cells = match_cells(ImageEvaluation(self.image, self.settings), self.kind)
        flags = {"found": cells.matched, "correct": cells.correct}
        if cells.true_labels is not None and cells.labels is not None:
            drawn = overlay_instances(picture, cells.true_labels, cells.labels, **flags)
        else:
            drawn = overlay_matches(picture, cells.true_boxes, cells.boxes, **flags)
        write_image(drawn, self.folder / picture_name(self.image.name))
