"""Explicit registry: every name always resolves, composites included."""

from collections.abc import Callable

from kedro.pipeline import Pipeline

from cell_pipelines.pipelines import (
    annotation_conversion,
    annotation_export,
    data_preparation,
    detection,
    evaluation,
    pre_annotation,
    prediction,
    reporting,
    sample_data,
    threshold_optimisation,
)

DETECTORS = ("yolo",)


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines by the names that users type.

    A training prepares what it needs from the raw data: ``--only-missing-outputs`` leaves out what is there.
    """
    conversion = annotation_conversion.create_pipeline()
    preparation = conversion + data_preparation.create_pipeline() + _each(detection.create_preview_pipeline)
    training = {f"train_{model}": preparation + detection.create_pipeline(model) for model in DETECTORS}
    thresholds = _each(prediction.create_scoring_pipeline) + _each(threshold_optimisation.create_pipeline)
    judging = thresholds + _each(evaluation.create_pipeline)
    report = _each(reporting.create_pipeline)
    sample = sample_data.create_pipeline()
    return {
        "sample_data": sample,
        "annotation_conversion": conversion,
        "annotation_export": annotation_export.create_pipeline(),
        "pre_annotation": pre_annotation.create_pipeline(),
        "corrections": pre_annotation.create_correction_pipeline(),
        "data_preparation": preparation,
        **training,
        "threshold_optimisation": thresholds,
        "evaluation": judging,
        "reporting": report,
        "prediction": prediction.create_pipeline(),
        "__default__": sample + sum(training.values(), Pipeline([])) + judging + report,
    }


def _each(create: Callable[[str], Pipeline]) -> Pipeline:
    """Put the pipelines of all detectors together."""
    return sum((create(model) for model in DETECTORS), Pipeline([]))
