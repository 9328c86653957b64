"""Evaluate models on the same annotated images."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import filter_by_score
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.unfinished import scratch_folder
from cell_pipelines.workflows.evaluation import evaluate
from cell_pipelines.workflows.evaluation_result import TABLES, EvaluationResult
from cell_pipelines.workflows.ground_truth import (
    EVALUATED,
    SharedClasses,
    choose_images,
    read_ground_truth,
    share_classes,
)
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.scoring import as_trained, score_images
from cell_pipelines.workflows.seen_images import describe_seen, seen_images, signatures_of
from cell_pipelines.workflows.trained_model import TrainedModel

_WITHOUT_SCORES = (
    "{} gives cells without scores: average precision, curves and thresholds don't apply to it, and all its "
    "cells count."
)


def evaluate_models(
    models: Mapping[str, TrainedModel],
    images: Mapping[str, ImageFile],
    truth: AnnotationSet,
    inference: InferenceParameters,
    parameters: EvaluationParameters,
) -> dict[str, EvaluationResult]:
    """Evaluate models on the same images.

    Args:
        models: By the name that tables give them.
        images: The images by name; those of `truth` are read.
        truth: Ground truth, all in the split of `parameters`.
        inference: How the networks are run.
        parameters: What counts as a match.

    Raises:
        MistakeError: An image can't be read, or classes don't fit.
    """
    shared = share_classes(truth.categories, {name: model.categories for name, model in models.items()})
    chosen = {name: images[name] for name in truth.names}
    told = _told_diameters(models, inference)
    found = {
        name: _evaluate(model, chosen, shared.of(truth), (told.get(name, inference), parameters, shared))
        for name, model in models.items()
    }
    seen = {name: seen_images(model.record, model.path.stem) for name, model in models.items()}
    signatures = signatures_of(chosen, truth.names) if any(seen.values()) else []
    for name, result in found.items():
        if warning := describe_seen(signatures, seen[name]):
            found[name] = replace(result, notes=(*result.notes, warning))
    return found


def _source(model: TrainedModel) -> str:
    return str((model.record.get("source") or {}).get("name") or model.path.name)


def _told_diameters(
    models: Mapping[str, TrainedModel], inference: InferenceParameters
) -> dict[str, InferenceParameters]:
    """Return how models are run that see images as they are, where others beside them are told a diameter."""
    without = {name for name, model in models.items() if not model.record.get("cell_diameter_px")}
    if len(without) == len(models) or (inference.diameter_px or inference.diameter_um) is None:
        return {}
    return dict.fromkeys(without, inference.model_copy(update={"diameter_px": None, "diameter_um": None}))


def _evaluate(
    model: TrainedModel,
    images: Mapping[str, ImageFile],
    truth: AnnotationSet,
    settings: tuple[InferenceParameters, EvaluationParameters, SharedClasses],
) -> EvaluationResult:
    inference, parameters, shared = settings
    with scratch_folder() as folder:
        scores = score_images(as_trained(dict(images), model), {}, model, folder, inference)
        failed = [text for text in scores["error"] if text]
        if failed:
            raise MistakeError(f"{len(failed)} of {len(images)} annotated images can't be read; the first: {failed[0]}")
        predictions = shared.of(read_cells(scores, folder, model))
    thresholds = shared.thresholds(model.thresholds)
    tables = evaluate(truth, predictions, thresholds.to_plain(), parameters)
    named: dict[str, Any] = dict(zip(TABLES, tables, strict=True))
    notes = tuple(filter(None, (shared.note, "" if model.is_scored else _WITHOUT_SCORES.format(_source(model)))))
    return EvaluationResult(model, named, filter_by_score(predictions, thresholds), notes)


def evaluate_annotated(
    models: Mapping[str, TrainedModel], inference: InferenceParameters, files: dict[str, ImageFile],
    annotations: Path, *, format: str, split: str | None,
) -> tuple[dict[str, EvaluationResult], AnnotationSet, EvaluationParameters]:  # fmt: skip
    """Evaluate models as `evaluate_models` does, on images of a split with annotations of any format.

    Returns:
        The results by the models' names, what is annotated in these images, and how it was evaluated.
    """
    parameters = EvaluationParameters(split=EVALUATED)
    conversion = read_ground_truth(files, annotations, format)
    truth, note = choose_images(conversion.annotations, split)
    found = evaluate_models(models, files, truth, inference, parameters)
    notes = tuple(filter(None, (note, conversion.describe_losses())))
    return {name: replace(one, notes=(*one.notes, *notes)) for name, one in found.items()}, truth, parameters
