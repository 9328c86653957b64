"""Explicit registry: every name always resolves, composites included."""

from collections.abc import Callable, Iterable, Sequence

from kedro.pipeline import Pipeline

from cell_pipelines.pipeline_stages import collect_results, in_stage
from cell_pipelines.pipelines import (
    annotation_conversion,
    annotation_export,
    benchmark_models,
    cell_selection,
    data_preparation,
    detection,
    evaluation,
    experiments,
    fish,
    learning_curve,
    model_export,
    morphology,
    next_images,
    plates,
    pre_annotation,
    prediction,
    reporting,
    sample_data,
    segmentation,
    suspected_labels,
    threshold_optimisation,
    tracking,
    viability,
)
from cell_pipelines.study import (
    DETECTORS,
    SEGMENTERS,
    chosen_cells,
    chosen_experiments,
    chosen_models,
    foreign_members,
    is_dry_run,
    plate_measurements,
)

#: What the stages of the full pipeline hand over, beside the results that each collects.
_HANDED_OVER = ("raw", "annotations", "prepared_annotations", "yolo_dataset", "yolo_seg_dataset",
                "rtdetr_dataset")  # fmt: skip
_PAGES = ("study_report", "model_card")


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines by the names that users type.

    A training prepares what it needs from the raw data: ``--only-missing-outputs`` leaves out what is there.
    Pipelines over several models run over those of the study.
    """
    models = chosen_models()
    sample = in_stage(sample_data.create_pipeline(), "sample_data")
    conversion = in_stage(annotation_conversion.create_pipeline(), "conversion")
    split = conversion + in_stage(data_preparation.create_pipeline(), "preparation")
    own_preparation = {model: split + _create_yolo_preparation(model) for model in DETECTORS}
    preparation = _each(own_preparation.__getitem__, [m for m in DETECTORS if m in models] or DETECTORS[:1])
    training = {
        **{f"train_{model}": own_preparation[model] + detection.create_pipeline(model) for model in DETECTORS},
        **{f"train_{model}": split + segmentation.create_pipeline(model) for model in SEGMENTERS},
    }
    thresholds = _each(_create_threshold_pipeline, models)
    evaluations = thresholds + _each(evaluation.create_pipeline, models)
    report = _create_report(models)
    trained = [model for model in models if model not in foreign_members()]
    everything = sample + _each(lambda model: training[f"train_{model}"], trained) + evaluations + report
    others = {
        "prediction": prediction.create_pipeline(),
        "next_images": next_images.create_pipeline(models),
        "plates": plates.create_pipeline(plate_measurements()),
        "suspected_labels": suspected_labels.create_pipeline(models),
        **_create_statements(conversion),
        **_create_experiments(split),
    }
    return {
        "sample_data": sample,
        "annotation_conversion": conversion,
        "annotation_export": annotation_export.create_pipeline(),
        "model_export": model_export.create_pipeline(),
        "pre_annotation": pre_annotation.create_pipeline(),
        "corrections": pre_annotation.create_correction_pipeline(),
        "data_preparation": preparation,
        **training,
        "threshold_optimisation": thresholds,
        "evaluation": evaluations,
        "reporting": _create_report(models, _pages_of(others.values())),
        "benchmark_models": benchmark_models.create_pipeline(models),
        "benchmark_networks": benchmark_models.create_untrained_pipeline(),
        **others,
        "__default__": collect_results(everything, shown=(*_HANDED_OVER, *_PAGES)),
    }


def _create_statements(conversion: Pipeline) -> dict[str, Pipeline]:
    """Return what is said of samples, by the cells of each chosen source; annotations are converted first."""
    sources = chosen_cells()
    before = (conversion if "truth" in sources else Pipeline([])) + _each(cell_selection.create_pipeline, sources)

    def say(create: Callable[[str, str], Pipeline]) -> Pipeline:
        return before + _each(lambda s: create(s, "new_images" if s == "new" else "raw@images"), sources)

    return {
        "viability": say(viability.create_pipeline),
        "morphology": say(morphology.create_pipeline) + morphology.create_comparison_pipeline(sources),
        "fish": say(fish.create_pipeline),
        "tracking": say(tracking.create_pipeline),
    }


def _pages_of(pipelines: Iterable[Pipeline]) -> list[str]:
    """Return the pages of pipelines that the study's page shows, too; it has the data's own sections already."""
    made = {name for pipeline in pipelines for name in pipeline.all_outputs() if name.endswith("_report")}
    return sorted(made - {"conversion_report"})


def _create_report(models: tuple[str, ...], pages: Sequence[str] = ()) -> Pipeline:
    """Return one page per model, the one that compares them, and the one about the study with its model card.

    Args:
        models: By name.
        pages: Of other pipelines, which are written first where they run together with this one.
    """
    each = _each(reporting.create_pipeline, models) + _each(benchmark_models.create_cost_pipeline, models)
    comparison = in_stage(reporting.create_comparison_pipeline(models), "comparison")
    return each + comparison + in_stage(reporting.create_study_pipeline(models, pages), "report")


def _create_experiments(before: Pipeline) -> dict[str, Pipeline]:
    """Return the pipelines of the study's experiments by name; on a dry run they only list what they would train."""
    kinds = {name: str(given.get("kind", "grid")) for name, given in chosen_experiments().items()}
    if is_dry_run():
        return {name: before + experiments.create_plan_pipeline(name, is_search=kind == "search")
                for name, kind in kinds.items()}  # fmt: skip
    return {name: before + _create_experiment(name, kind) for name, kind in kinds.items()}


def _create_experiment(name: str, kind: str) -> Pipeline:
    if kind == "search":
        return experiments.create_search_pipeline(name)
    training = experiments.create_training_pipeline(name)
    if kind == "learning_curve":
        return training + experiments.create_results_pipeline(name) + learning_curve.create_pipeline(name)
    return training + experiments.create_comparison_pipeline(name)


def _create_yolo_preparation(model: str) -> Pipeline:
    """Return the writing of a YOLO's data set and the drawing of its samples."""
    writing = in_stage(data_preparation.create_yolo_pipeline(model), "preparation")
    return writing + detection.create_preview_pipeline(model)


def _create_threshold_pipeline(model: str) -> Pipeline:
    """Return the scoring of labelled images and the choice of thresholds, by the model's kind.

    Another tool's model, which is not trained here, is brought in first.
    """
    is_detector, name = model in DETECTORS, foreign_members().get(model)
    brought = Pipeline([]) if name is None else prediction.create_foreign_pipeline(model, name)
    return (
        brought
        + prediction.create_scoring_pipeline(model, is_detector=is_detector)
        + threshold_optimisation.create_pipeline(model, is_detector=is_detector)
    )


def _each(create: Callable[[str], Pipeline], models: Iterable[str]) -> Pipeline:
    """Put the pipelines of several models together."""
    return sum((create(model) for model in models), Pipeline([]))
