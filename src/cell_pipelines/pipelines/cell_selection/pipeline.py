"""From annotations or predictions to accepted cells, their origin, and what is known of their images."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.cell_selection.nodes import know_images, take_new, take_predictions, take_truth

# What is not the source's own.
_SHARED = {"truth": ("annotations",), "new": ("new_predictions", "chosen_model", "new_counts")}


def create_pipeline(source: str) -> Pipeline:
    """Return the choice of the cells of `source`: ``truth``, ``new``, or a model's name."""
    know = Node(
        know_images,
        inputs=["cells", "image_metadata", "params:cell_selection"],
        outputs=["image_facts", "metadata_findings"],
        name="know_images",
    )
    return Pipeline(
        [_take(source), know],
        namespace=source,
        inputs={"image_metadata", *_SHARED.get(source, ())},
        parameters={"params:cell_selection", *(("params:prediction",) if source == "new" else ())},
        tags="biology",
    )


def _take(source: str) -> Node:
    outputs = ["cells", "origin"]
    if source == "truth":
        return Node(take_truth, inputs=["annotations", "params:cell_selection"], outputs=outputs, name="take_cells")
    if source == "new":
        return Node(take_new, inputs=[*_SHARED["new"], "params:prediction"], outputs=outputs, name="take_cells")
    inputs = ["predictions", "model", "scores", "params:cell_selection"]
    return Node(take_predictions, inputs=inputs, outputs=outputs, name="take_cells")
