"""Nodes of the evaluation."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.pairing import PairedImage, Pairing, pair
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.metrics.counting import count_errors
from cell_pipelines.metrics.detection import measure_average_precision
from cell_pipelines.metrics.intervals import f1_interval
from cell_pipelines.metrics.matching import count_by_category
from cell_pipelines.metrics.ratios import f1, precision, recall
from cell_pipelines.pipelines.curve_columns import precision_recall_curves
from cell_pipelines.pipelines.evaluation.parameters import EvaluationParameters
from cell_pipelines.pipelines.partitions import map_images

ALL = "all classes"


def evaluate(
    truth: AnnotationSet,
    predictions: AnnotationSet,
    thresholds: dict[str, float],
    parameters: EvaluationParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Judge a model; return a row a class, a row an image and class, and the precision-recall curves at IoU 0.5."""
    pairing = pair(truth, predictions, parameters.split)
    limits = threshold_array(pairing.categories, thresholds)
    images = pd.concat([_image_rows(i.above(limits), pairing.categories, parameters) for i in pairing.images()])
    average = measure_average_precision(
        *pairing.tables(), n_images=pairing.truth.n_images, n_categories=len(pairing.categories)
    )
    rows = [_class_row(name, images[images["category"] == name], parameters) for name in pairing.categories]
    totals = images.groupby("image", sort=False)[["true", "predicted", "tp", "fp", "fn"]].sum().reset_index()
    table = pd.DataFrame([*rows, _class_row(ALL, totals, parameters)])
    table.insert(3, "ap50", [*average.ap50, average.mean_ap50])
    table.insert(4, "ap50_95", [*average.ap50_95, average.mean_ap50_95])
    table.insert(5, "confidence", [*limits, np.nan])
    return table, images.reset_index(drop=True), _curve_table(pairing, average.precision[0])


def threshold_array(categories: tuple[str, ...], thresholds: dict[str, float]) -> npt.NDArray[np.float64]:
    """Return the thresholds in the order of the classes, shape (C,)."""
    return np.array([thresholds[name] for name in categories], dtype=np.float64)


def _image_rows(image: PairedImage, categories: tuple[str, ...], parameters: EvaluationParameters) -> pd.DataFrame:
    matching = image.match(parameters.iou)
    counts = count_by_category(matching, image.true_categories, image.categories, n_categories=len(categories))
    table = pd.DataFrame(counts, columns=["tp", "fp", "fn"])
    table.insert(0, "image", image.name)
    table.insert(1, "category", list(categories))
    table.insert(2, "true", table["tp"] + table["fn"])
    table.insert(3, "predicted", table["tp"] + table["fp"])
    return table


def _class_row(name: str, images: pd.DataFrame, parameters: EvaluationParameters) -> dict[str, Any]:
    tp, fp, fn = (int(images[key].sum()) for key in ("tp", "fp", "fn"))
    counts = images[["tp", "fp", "fn"]].to_numpy()
    interval = f1_interval(counts, n_resamples=parameters.resamples, seed=parameters.seed)
    errors = count_errors(images["true"].to_numpy(), images["predicted"].to_numpy())
    return {
        "category": name, "images": len(images), "objects": tp + fn,
        "precision": precision(tp, fp), "recall": recall(tp, fn), "f1": f1(tp, fp, fn),
        "f1_low": interval.low, "f1_high": interval.high, "tp": tp, "fp": fp, "fn": fn,
        "count_mae": errors.mae, "count_medae": errors.medae, "count_bias": errors.bias,
    }  # fmt: skip


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
        suffix = "" if row["category"] == ALL else "/" + re.sub(r"[^\w\-. /:]", "_", str(row["category"]))
        for key, value in row.items():
            if key not in ("category", "images") and pd.notna(value):
                metrics[f"{parameters.split}_{key}{suffix}"] = {"value": float(value), "step": 0}
    return metrics


def plot_precision_recall_curves(curves: pd.DataFrame, table: pd.DataFrame) -> Any:
    """Return a figure of precision over recall at IoU 0.5, a line a class."""
    from cell_pipelines.report.curves import plot_precision_recall

    return plot_precision_recall(
        precision_recall_curves(curves), dict(zip(table["category"], table["ap50"], strict=True))
    )


def plot_count_agreement(images: pd.DataFrame) -> Any:
    """Return a figure of predicted over true counts and their agreement."""
    from cell_pipelines.report.distributions import plot_counts

    return plot_counts(images[["image", "category", "true", "predicted"]])


def draw_errors(
    truth: AnnotationSet, predictions: AnnotationSet, thresholds: dict[str, float],
    images: dict[str, ImageFile], parameters: EvaluationParameters,
) -> Callable[[Path], None]:  # fmt: skip
    """Return what fills a folder with the images and what was found, missed and made up."""
    return partial(_write_overlays, pair(truth, predictions, parameters.split), thresholds, images, parameters)


def _write_overlays(
    pairing: Pairing,
    thresholds: dict[str, float],
    images: dict[str, ImageFile],
    parameters: EvaluationParameters,
    folder: Path,
) -> None:
    limits = threshold_array(pairing.categories, thresholds)
    jobs: Iterator[_ErrorOverlay] = (
        _ErrorOverlay(image.above(limits), images[image.name], parameters.iou, folder) for image in pairing.images()
    )
    total = pairing.truth.n_images
    for _ in map_images(_ErrorOverlay.run, jobs, description="drawing", total=total, parallel=parameters.parallel):
        continue


@dataclass(frozen=True, eq=False)
class _ErrorOverlay:
    """One image to be drawn on."""

    image: PairedImage
    file: ImageFile
    iou: float
    folder: Path

    def run(self) -> None:
        """Draw and write."""
        from cell_pipelines.report.overlays import overlay_matches

        matching = self.image.match(self.iou)
        found = np.zeros(len(self.image.true_boxes), dtype=bool)
        found[matching.true_index[matching.is_true_positive]] = True
        drawn = overlay_matches(
            to_rgb(to_uint8(self.file())),
            self.image.true_boxes,
            self.image.boxes,
            found=found,
            correct=matching.is_true_positive,
        )
        write_image(drawn, self.folder / Path(self.image.name).with_suffix(".png"))
