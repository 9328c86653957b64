"""From a folder of unlabelled images and trained models to a ranking, and to proposals for a person to correct."""

import warnings

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.next_images.nodes import (
    draw_proposals,
    export_proposals,
    measure_images,
    propose_cells,
    rank,
    score_new,
    write_report,
)
from cell_pipelines.workflows.new_folders import in_new_folder

_PARAMETERS = "params:next_images"


def create_pipeline(models: tuple[str, ...]) -> Pipeline:
    """Return the ranking of new images by `models`, which are trained and tuned."""
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each model, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        return Pipeline(_nodes(models), tags="active_learning")


def _nodes(models: tuple[str, ...]) -> list[Node]:
    files = [f"{model}.model" for model in models]
    evaluations = [f"{model}.next_images_evaluation" for model in models]
    store = "new_prediction_store"
    return [
        Node(
            score_new(models),
            inputs=["new_images", store, "params:inference", _PARAMETERS, *files],
            outputs="next_images_scores",
            name="score_next_images",
        ),
        Node(
            measure_images(models),
            inputs=["next_images_scores", "new_images", store, _PARAMETERS, *files],
            outputs="next_images_measures",
            name="measure_next_images",
        ),
        Node(
            rank,
            inputs=["next_images_measures", "prepared_annotations", _PARAMETERS],
            outputs="next_images",
            name="rank_next_images",
        ),
        Node(
            propose_cells(models),
            inputs=["next_images", "next_images_scores", store, _PARAMETERS, *evaluations, *files],
            outputs="next_images_proposed",
            name="propose_next_cells",
        ),
        Node(
            in_new_folder(export_proposals),
            inputs=["new_folder", "next_images_proposed", _PARAMETERS],
            outputs="next_images_proposals",
            name="export_next_proposals",
        ),
        Node(
            in_new_folder(draw_proposals),
            inputs=["new_folder", "next_images_proposed", "new_images", _PARAMETERS],
            outputs="next_images_pictures",
            name="draw_next_proposals",
        ),
        Node(
            write_report(models),
            inputs=["next_images", "next_images_proposed", "new_images", _PARAMETERS],
            outputs="next_images_report",
            name="report_next_images",
        ),
    ]
