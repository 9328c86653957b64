"""From tables and pictures to one page."""

import warnings

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.reporting.comparison import COMPARED, compare_models
from cell_pipelines.pipelines.reporting.nodes import (
    describe_data,
    describe_evaluation,
    describe_training,
    write_report,
)


def create_pipeline(model: str) -> Pipeline:
    """Return the report about the data and `model`."""
    template = Pipeline(
        [
            Node(
                describe_data,
                inputs=[
                    "conversion_summary",
                    "conversion_findings",
                    "split_summary",
                    "augmented_samples",
                    "params:reporting",
                ],
                outputs="data_sections",
                name="describe_data",
            ),
            Node(
                describe_training,
                inputs=["history", "threshold_table", "thresholds", "params:threshold_optimisation"],
                outputs="training_sections",
                name="describe_training",
            ),
            Node(
                describe_evaluation,
                inputs=[
                    "evaluation_classes",
                    "evaluation_images",
                    "evaluation_cells",
                    "evaluation_curves",
                    "evaluation_instances",
                    "error_overlays",
                    "params:reporting",
                ],
                outputs="evaluation_sections",
                name="describe_evaluation",
            ),
            Node(
                write_report,
                inputs=["data_sections", "training_sections", "evaluation_sections", "evaluation_classes",
                        "prepared_annotations", "params:reporting"],
                outputs="report",
                name="write_report",
            ),
        ],
        tags="reporting",
    )  # fmt: skip
    shared = {"conversion_summary", "conversion_findings", "split_summary", "prepared_annotations"}
    settings = {"params:reporting", "params:threshold_optimisation"}
    return Pipeline(template, namespace=model, inputs=shared, parameters=settings)


def create_comparison_pipeline(models: tuple[str, ...]) -> Pipeline:
    """Return the page that compares models; nothing where there is only one."""
    if len(models) < 2:
        return Pipeline([])
    tables = [f"{model}.{name}" for model in models for name in COMPARED]
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each model, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        node = Node(
            compare_models(models),
            inputs=["prepared_annotations", "raw@images", "params:evaluation", "params:reporting", *tables],
            outputs=["comparison_table", "comparison_differences", "comparison_report"],
            name="compare_models",
        )
        return Pipeline([node], tags="reporting")
