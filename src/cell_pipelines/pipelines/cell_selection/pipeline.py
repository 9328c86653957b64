"""Select accepted cells from annotations or predictions, with their origin and the metadata of their images."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.cell_selection.nodes import (
    join_metadata,
    select_ground_truth,
    select_new_cells,
    select_predictions,
)

# What is not the source's own.
_SHARED = {"truth": ("annotations",), "new": ("new_predictions", "chosen_model", "new_counts")}


def create_pipeline(source: str) -> Pipeline:
    """Return the selection of the cells of `source`: ``truth``, ``new``, or a model's name."""
    join = Node(
        join_metadata,
        inputs=["cells", "image_metadata", "params:cell_selection"],
        outputs=["joined_metadata", "metadata_findings"],
        name="join_metadata",
    )
    return Pipeline(
        [_select(source), join],
        namespace=source,
        inputs={"image_metadata", "invocation", *_SHARED.get(source, ())},
        parameters={"params:cell_selection", *(("params:prediction",) if source == "new" else ())},
        tags="biology",
    )


def _select(source: str) -> Node:
    outputs = ["cells", "origin"]
    if source == "truth":
        inputs = ["annotations", "invocation", "params:cell_selection"]
        return Node(select_ground_truth, inputs=inputs, outputs=outputs, name="select_cells")
    if source == "new":
        inputs = [*_SHARED["new"], "invocation", "params:prediction"]
        return Node(select_new_cells, inputs=inputs, outputs=outputs, name="select_cells")
    inputs = ["predictions", "model", "scores", "invocation", "params:cell_selection"]
    return Node(select_predictions, inputs=inputs, outputs=outputs, name="select_cells")
