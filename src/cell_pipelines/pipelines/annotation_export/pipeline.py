"""From an `AnnotationSet` to files that another program opens."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.annotation_export.nodes import export_annotations
from cell_pipelines.workflows.new_folders import in_new_folder


def create_pipeline() -> Pipeline:
    """Return the pipeline: take away what the format can't hold, list it, write the rest."""
    node = Node(
        in_new_folder(export_annotations),
        inputs=["new_folder", "annotations_to_export", "params:annotation_export"],
        outputs=["exported_annotations", "export_findings"],
        name="export_annotations",
    )
    return Pipeline([node], tags="export")
