"""From tables and pictures to one page per model."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.reporting.nodes import (
    describe_counts,
    describe_data,
    describe_errors,
    describe_evaluation,
    describe_foreign,
    describe_training,
    write_report,
)
from cell_pipelines.pipelines.reporting.pictures import describe_pictures, describe_scores
from cell_pipelines.study import DETECTORS, foreign_members

_DATA = ["conversion_summary", "conversion_findings", "quality_findings", "split_summary"]


def create_pipeline(model: str) -> Pipeline:
    """Return the report about the data and `model`."""
    is_network, is_foreign = model not in DETECTORS, model in foreign_members()
    names = ["evaluation", "training", "count", "error", "picture", *(["score"] if is_network else [])]
    parts = [f"{name}_sections" for name in names]
    template = Pipeline(
        [
            Node(describe_data, inputs=[*_DATA, "params:reporting"], outputs="data_sections", name="describe_data"),
            _foreign_node() if is_foreign else _training_node(model, is_network=is_network),
            Node(
                describe_evaluation,
                inputs=["evaluation_classes", "evaluation_images", "evaluation_cells", "params:evaluation",
                        "precision_recall_curves", "instance_curves", "count_agreement"],
                outputs="evaluation_sections",
                name="describe_evaluation",
            ),
            Node(
                describe_counts,
                inputs=["count_intervals", "count_coverage", "scores", "count_intervals_figure"],
                outputs="count_sections",
                name="describe_counts",
            ),
            Node(
                describe_errors,
                inputs=["error_kinds", "confusions", "evaluation_classes", "confusion_matrix"],
                outputs="error_sections",
                name="describe_errors",
            ),
            Node(
                describe_pictures,
                inputs=["prepared_annotations", "predictions", "thresholds", "raw@images", "params:evaluation",
                        "params:reporting"],
                outputs="picture_sections",
                name="describe_pictures",
            ),
            *([_score_node()] if is_network else []),
            Node(
                write_report,
                inputs=["evaluation_classes", "prepared_annotations", "invocation", "params:reporting",
                        "data_sections", *parts],
                outputs="report",
                name="write_report",
            ),
        ],
        tags="reporting",
    )  # fmt: skip
    shared = {*_DATA, "prepared_annotations", "raw@images", "invocation"}
    settings = {"params:reporting", "params:threshold_optimisation", "params:evaluation"}
    return Pipeline(template, namespace=model, inputs=shared, parameters=settings)


def _training_node(model: str, *, is_network: bool) -> Node:
    return Node(
        describe_training(model),
        inputs=["history", "model", "augmented_samples", "params:threshold_optimisation", "params:reporting",
                "training_curves", "threshold_curves", *(["weight_map"] if is_network else [])],
        outputs="training_sections",
        name="describe_training",
    )  # fmt: skip


def _foreign_node() -> Node:
    return Node(
        describe_foreign,
        inputs=["model", "threshold_curves", "params:threshold_optimisation"],
        outputs="training_sections",
        name="describe_training",
    )


def _score_node() -> Node:
    return Node(
        describe_scores,
        inputs=["prepared_annotations", "scores", "prediction_store", "model", "thresholds", "raw@images",
                "params:evaluation", "params:reporting"],
        outputs="score_sections",
        name="describe_scores",
    )  # fmt: skip
