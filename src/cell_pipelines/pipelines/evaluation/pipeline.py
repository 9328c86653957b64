"""From stored predictions and chosen thresholds to numbers, figures and overlays."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.evaluation.count_intervals import check_intervals, log_coverage, plot_intervals
from cell_pipelines.pipelines.evaluation.nodes import (
    draw_errors,
    log_metrics,
    plot_confusion,
    plot_count_agreement,
    plot_instances,
    plot_precision_recall_curves,
)
from cell_pipelines.workflows.evaluation import evaluate
from cell_pipelines.workflows.new_folders import in_new_folder


def create_pipeline(model: str) -> Pipeline:
    """Return the evaluation of `model`."""
    template = Pipeline(
        [
            Node(
                evaluate,
                inputs=["prepared_annotations", "predictions", "thresholds", "params:evaluation"],
                outputs=[
                    "evaluation_classes",
                    "evaluation_images",
                    "evaluation_cells",
                    "evaluation_curves",
                    "evaluation_instances",
                    "error_kinds",
                    "confusions",
                ],
                name="evaluate",
            ),
            Node(plot_confusion, inputs="confusions", outputs="confusion_matrix", name="plot_confusion"),
            Node(
                log_metrics,
                inputs=["evaluation_classes", "params:evaluation"],
                outputs="evaluation_metrics",
                name="log_metrics",
            ),
            Node(
                plot_precision_recall_curves,
                inputs=["evaluation_curves", "evaluation_classes"],
                outputs="precision_recall_curves",
                name="plot_precision_recall",
            ),
            Node(plot_instances, inputs="evaluation_instances", outputs="instance_curves", name="plot_instances"),
            Node(
                plot_count_agreement,
                inputs="evaluation_images",
                outputs="count_agreement",
                name="plot_counts",
            ),
            Node(
                check_intervals,
                inputs=["evaluation_images", "model", "params:evaluation"],
                outputs=["count_intervals", "count_coverage"],
                name="check_count_intervals",
            ),
            Node(
                log_coverage,
                inputs=["count_coverage", "params:evaluation"],
                outputs="count_coverage_metrics",
                name="log_count_coverage",
            ),
            Node(
                plot_intervals,
                inputs="count_intervals",
                outputs="count_intervals_figure",
                name="plot_count_intervals",
            ),
            Node(
                in_new_folder(draw_errors),
                inputs=[
                    "new_folder",
                    "prepared_annotations",
                    "predictions",
                    "thresholds",
                    "raw@images",
                    "params:evaluation",
                ],
                outputs="error_overlays",
                name="draw_errors",
            ),
        ],
        tags="evaluation",
    )
    return Pipeline(
        template,
        namespace=model,
        inputs={"prepared_annotations", "raw@images", "new_folder"},
        parameters={"params:evaluation"},
    )
