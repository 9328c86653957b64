"""Nodes of the evaluation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation, Kind
from cell_pipelines.analysis.evaluation.matched_cells import match_cells
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing, pair
from cell_pipelines.analysis.evaluation.summaries import ALL
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.workflows.curve_columns import precision_recall_curves
from cell_pipelines.workflows.drawing import picture_name
from cell_pipelines.workflows.evaluation import (
    accepted_pairs,
    evaluation_settings,
)
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters


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
    from cell_pipelines.report.figures.panels import create_note

    by_class = precision_recall_curves(curves)
    if not by_class:
        return create_note("No curve: there are no cells, or predictions have no scores to be ranked by.")
    return plot_precision_recall(by_class, dict(zip(table["category"], table["ap50"], strict=True)))


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
