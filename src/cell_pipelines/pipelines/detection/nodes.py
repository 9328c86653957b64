"""Nodes of YOLO training."""

import json
import logging
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.imaging.reading import Image
from cell_pipelines.model_runs import run_of
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.training.segmentation.sampling import Oversampling, rules_without_effect
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters
from cell_pipelines.workflows.seen_images import inherited_images

logger = logging.getLogger(__name__)

# A field may hold more cells than any labelled one; validation while training counts this many times as many.
_SPARE = 4


def train_detector(
    dataset: Path, annotations: AnnotationSet, folder: Path, parameters: YoloParameters, subset: SubsetParameters
) -> tuple[bytes, pd.DataFrame]:
    """Train on the data set; return the best checkpoint with its record, and one row per epoch."""
    from cell_pipelines.models.yolo_checkpoint import with_record
    from cell_pipelines.training.cost import training_cost
    from cell_pipelines.training.detection.train import train_yolo
    from cell_pipelines.training.number_format import kept_format

    _warn_of_rules(parameters, annotations)
    limit = max(1000, _SPARE * int(annotations.counts().sum(axis=1).max()))
    training = _to_training(parameters, {"max_det": limit})
    best, history = train_yolo(training, dataset / "data.yaml", folder, resume=parameters.resume)
    record = {
        "categories": list(annotations.categories),
        "data_sha256": annotations.fingerprint(),
        "image_size": parameters.image_size,
        **json.loads((dataset / "recipe.json").read_text(encoding="utf-8")),
        "weights": parameters.weights,
        "from_scratch": parameters.from_scratch,
        "started_from": [] if parameters.from_scratch else inherited_images(parameters.weights),
        "run_id": run_of(folder.name),
        "number_format": kept_format(folder) or parameters.precision,
        "training_cost": training_cost(history, select_split(subset.take(annotations), "train").n_images),
    }
    return with_record(best, record), history


def _warn_of_rules(parameters: YoloParameters, annotations: AnnotationSet) -> None:
    learnt = select_split(annotations, "train")
    shown = [learnt.categories[number] for number in learnt.category.tolist()]
    for note in rules_without_effect(parameters.oversampling, learnt.names, shown, ()):
        logger.warning("%s", note)


def _to_training(parameters: YoloParameters, settings: dict[str, Any]) -> Any:
    from cell_pipelines.models.yolo_networks import network_task
    from cell_pipelines.training.detection.settings import YoloStart, YoloTraining

    masks = parameters.mask_settings() if network_task(parameters.weights) == "segment" else {}
    return YoloTraining(
        settings={**parameters.to_ultralytics(), **masks, **settings},
        transforms=parameters.augmentation.transforms,
        oversampling=None if parameters.oversampling == Oversampling() else parameters.oversampling,
        **{setting.name: getattr(parameters, setting.name) for setting in fields(YoloStart)},
    )


def draw_augmented_samples(dataset: Path, annotations: AnnotationSet, parameters: YoloParameters) -> Image:
    """Return a contact sheet of training samples as the network sees them, with their boxes."""
    from cell_pipelines.report.overlays.boxes import contact_sheet
    from cell_pipelines.training.detection.samples import augmented_samples

    samples = augmented_samples(_to_training(parameters, {}), dataset / "data.yaml", parameters.samples)
    return contact_sheet(samples, annotations.categories)


def log_history(history: pd.DataFrame) -> dict[str, list[dict[str, float]]]:
    """Return the history as MLflow wants it: for each metric its values with their epochs."""
    steps = history["epoch"].astype(int)
    return {
        name: [{"value": float(v), "step": int(s)} for v, s in zip(history[name], steps, strict=True) if pd.notna(v)]
        for name in history.columns.drop("epoch")
    }


def plot_history(history: pd.DataFrame) -> Any:
    """Return a figure of losses and validation metrics over epochs."""
    from cell_pipelines.report.figures.curves import plot_training_history

    return plot_training_history(history)
