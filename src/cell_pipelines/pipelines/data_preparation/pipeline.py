"""From annotations to a training set: split, tile, write."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.data_preparation.nodes import export_yolo, split_annotations


def create_pipeline() -> Pipeline:
    """Return the division of the images into train, val and test."""
    node = Node(
        split_annotations,
        inputs=["annotations", "params:data_preparation"],
        outputs=["prepared_annotations", "split_summary"],
        name="split_annotations",
    )
    return Pipeline([node], tags="preparation")


def create_yolo_pipeline() -> Pipeline:
    """Return the writing of the split images as YOLO reads them."""
    node = Node(
        export_yolo,
        inputs=["prepared_annotations", "raw@images", "params:data_preparation"],
        outputs="yolo_dataset",
        name="export_yolo",
    )
    return Pipeline([node], tags="preparation")
