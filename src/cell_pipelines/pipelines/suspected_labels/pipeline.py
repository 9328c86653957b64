"""From labelled images and the models that were asked about them to labels that look wrong."""

import warnings

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.suspected_labels.nodes import draw, export_marked, find, score_labelled, write_report
from cell_pipelines.workflows.new_folders import in_new_folder

_PARAMETERS = "params:suspected_labels"


def create_pipeline(models: tuple[str, ...]) -> Pipeline:
    """Return the search for annotation errors by `models`, which are trained and tuned."""
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each model, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        return Pipeline(_nodes(models), tags="active_learning")


def _nodes(models: tuple[str, ...]) -> list[Node]:
    stores = [f"{model}.prediction_store" for model in models]
    # Scores are stored by the file that was scored first, which is the one without thresholds.
    untuned, tuned = ([f"{model}.{kind}" for model in models] for kind in ("checkpoint", "model"))
    found = ["suspected_labels", "suspected_images", "suspected_proposals"]
    return [
        Node(
            score_labelled(models),
            inputs=["prepared_annotations", "raw@images", "params:inference", _PARAMETERS, *untuned, *stores],
            outputs="suspected_scores",
            name="score_suspected_images",
        ),
        Node(
            find(models),
            inputs=["prepared_annotations", "suspected_scores", _PARAMETERS, *tuned, *stores],
            outputs=found,
            name="find_suspected_labels",
        ),
        Node(
            in_new_folder(export_marked),
            inputs=["new_folder", "prepared_annotations", "suspected_labels", "suspected_proposals", _PARAMETERS],
            outputs="suspected_annotations",
            name="export_suspected_labels",
        ),
        Node(
            in_new_folder(draw),
            inputs=[
                "new_folder",
                "prepared_annotations",
                "suspected_labels",
                "suspected_proposals",
                "raw@images",
                _PARAMETERS,
            ],
            outputs="suspected_pictures",
            name="draw_suspected_labels",
        ),
        Node(
            write_report(models),
            inputs=["suspected_labels", "suspected_images", "suspected_pictures", _PARAMETERS],
            outputs="suspected_report",
            name="report_suspected_labels",
        ),
    ]
