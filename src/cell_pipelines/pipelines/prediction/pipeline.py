"""From a trained model and images to scored cells: one inference, two uses."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.prediction.nodes import (
    count_cells,
    draw_cells,
    export_cells,
    predict_labelled,
    predict_new,
)


def create_scoring_pipeline(model: str) -> Pipeline:
    """Return the prediction of a study's validation and test images by `model`, stored at a low confidence."""
    node = Node(
        predict_labelled,
        inputs=["prepared_annotations", "raw@images", "checkpoint", "prediction_store", "params:inference"],
        outputs="predictions",
        name="predict_labelled",
    )
    return Pipeline(
        Pipeline([node], tags="inference"),
        namespace=model,
        inputs={"prepared_annotations", "raw@images"},
        parameters={"params:inference"},
    )


def create_pipeline() -> Pipeline:
    """Return the prediction of new images: counts, annotations and overlays."""
    return Pipeline(
        [
            Node(
                predict_new,
                inputs=[
                    "new_images",
                    "chosen_model",
                    "new_prediction_store",
                    "params:inference",
                    "params:prediction",
                ],
                outputs=["new_predictions", "new_failures"],
                name="predict_new",
            ),
            Node(
                count_cells,
                inputs=["new_predictions", "new_failures", "chosen_model"],
                outputs="new_counts",
                name="count_cells",
            ),
            Node(
                export_cells,
                inputs=["new_predictions", "params:prediction"],
                outputs="new_annotations",
                name="export_cells",
            ),
            Node(
                draw_cells,
                inputs=["new_predictions", "new_images", "params:prediction"],
                outputs="new_overlays",
                name="draw_cells",
            ),
        ],
        tags="inference",
    )
