"""From tables and pictures to one page."""

from kedro.pipeline import Node, Pipeline

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
                inputs=["history", "confidence_table", "thresholds"],
                outputs="training_sections",
                name="describe_training",
            ),
            Node(
                describe_evaluation,
                inputs=[
                    "evaluation_classes",
                    "evaluation_images",
                    "evaluation_curves",
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
    return Pipeline(template, namespace=model, inputs=shared, parameters={"params:reporting"})
