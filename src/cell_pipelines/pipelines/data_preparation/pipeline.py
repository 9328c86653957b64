"""From annotations to a training set: split, tile, write."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.data_preparation.nodes import export_yolo, export_yolo_seg
from cell_pipelines.pipelines.data_preparation.splitting import find_near_duplicates, split_annotations
from cell_pipelines.workflows.new_folders import in_new_folder


def create_pipeline() -> Pipeline:
    """Return the division of the images into train, val and test, with images of one field on one side."""
    search = Node(
        find_near_duplicates,
        inputs=["annotations", "raw@images", "params:data_preparation"],
        outputs="near_duplicates",
        name="find_near_duplicates",
    )
    node = Node(
        split_annotations,
        inputs=["annotations", "near_duplicates", "split_table", "params:data_preparation"],
        outputs=["prepared_annotations", "split_summary"],
        name="split_annotations",
    )
    return Pipeline([search, node], tags="preparation")


def create_yolo_pipeline(model: str = "yolo") -> Pipeline:
    """Return the writing of the split images as YOLO reads them: outlines for `yolo_seg`, boxes for others."""
    export = export_yolo_seg if model == "yolo_seg" else export_yolo
    node = Node(
        in_new_folder(export),
        inputs=[
            "new_folder",
            "prepared_annotations",
            "raw@images",
            "params:data_preparation",
            "params:training_subset",
        ],
        outputs=f"{model}_dataset",
        name=f"export_{model}",
    )
    return Pipeline([node], tags="preparation")
