"""From a trained model and images to scored cells: one inference, two uses."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.prediction.nodes import (
    bring_in,
    collect_boxes,
    count_new,
    draw_cells,
    export_cells,
    predict_new,
    report_new,
    score_labelled,
)
from cell_pipelines.workflows.new_folders import in_new_folder


def create_scoring_pipeline(model: str, *, is_detector: bool) -> Pipeline:
    """Return the scoring of a study's labelled images by `model`; a detector's objects are collected at once."""
    score = Node(
        score_labelled,
        inputs=[
            "prepared_annotations",
            "raw@images",
            "checkpoint",
            "prediction_store",
            "params:inference",
            "params:threshold_optimisation",
        ],
        outputs="scores",
        name="score_labelled",
    )
    collect = Node(
        collect_boxes, inputs=["scores", "prediction_store", "checkpoint"], outputs="predictions", name="collect_boxes"
    )
    return Pipeline(
        Pipeline([score, collect] if is_detector else [score], tags="inference"),
        namespace=model,
        inputs={"prepared_annotations", "raw@images"},
        parameters={"params:inference", "params:threshold_optimisation"},
    )


def create_foreign_pipeline(model: str, name: str) -> Pipeline:
    """Return what makes another tool's model a part of the study, as if it had been trained.

    Args:
        model: What the study calls it.
        name: What a person calls it, such as ``stardist:/folder``.
    """
    node = Node(bring_in(name), inputs="prepared_annotations", outputs=["checkpoint", "history"], name="bring_in")
    return Pipeline([node], namespace=model, inputs={"prepared_annotations"}, tags="inference")


def create_pipeline() -> Pipeline:
    """Return the prediction of new images: counts with warnings, a page, annotations and overlays."""
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
                outputs=["new_predictions", "new_failures", "new_scores"],
                name="predict_new",
            ),
            Node(
                count_new,
                inputs=["new_predictions", "new_failures", "new_scores", "chosen_model", "params:prediction"],
                outputs="new_counts",
                name="count_cells",
            ),
            Node(
                report_new,
                inputs=["new_counts", "new_predictions", "new_images", "chosen_model", "params:prediction"],
                outputs=["new_report", "new_regions"],
                name="report_counts",
            ),
            Node(
                in_new_folder(export_cells),
                inputs=["new_folder", "new_predictions", "params:prediction"],
                outputs="new_annotations",
                name="export_cells",
            ),
            Node(
                in_new_folder(draw_cells),
                inputs=["new_folder", "new_predictions", "new_images", "params:prediction"],
                outputs="new_overlays",
                name="draw_cells",
            ),
        ],
        tags="inference",
    )
