"""From a trained model to files that another program runs."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.model_export.nodes import export
from cell_pipelines.workflows.new_folders import in_new_folder


def create_pipeline() -> Pipeline:
    """Return the pipeline: write the chosen model, and compare it with PyTorch."""
    node = Node(
        in_new_folder(export),
        inputs=["new_folder", "chosen_model", "params:model_export"],
        outputs="exported_model",
        name="export_chosen_model",
    )
    return Pipeline([node], tags="export")
