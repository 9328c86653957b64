"""From stored scores to a model that knows its thresholds."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.threshold_optimisation.count_interval import calibrate_intervals
from cell_pipelines.pipelines.threshold_optimisation.nodes import (
    choose_map_thresholds,
    choose_thresholds,
    decode_cells,
    plot_thresholds,
    store_thresholds,
    summarise_validation,
)

_SETTINGS = "params:threshold_optimisation"
_INTERVAL = "params:count_interval"


def create_pipeline(model: str, *, is_detector: bool) -> Pipeline:
    """Return the choice of thresholds for `model`; a network's scores then become cells."""
    plot = Node(
        plot_thresholds,
        inputs=["threshold_table", "thresholds", _SETTINGS],
        outputs="threshold_curves",
        name="plot_thresholds",
    )
    calibrate = Node(
        calibrate_intervals,
        inputs=["prepared_annotations", "predictions", "thresholds", _INTERVAL],
        outputs="count_interval",
        name="calibrate_counts",
    )
    summarise = Node(
        summarise_validation,
        inputs=["prepared_annotations", "threshold_table", "thresholds", _SETTINGS],
        outputs="validation_summary",
        name="summarise_validation",
    )
    store = Node(
        store_thresholds,
        inputs=["checkpoint", "thresholds", "count_interval", "validation_summary"],
        outputs="model",
        name="store_thresholds",
    )
    own = _create_detector_nodes() if is_detector else _create_network_nodes()
    return Pipeline(
        Pipeline([*own, calibrate, summarise, store, plot], tags="evaluation"),
        namespace=model,
        inputs={"prepared_annotations"},
        parameters={_SETTINGS, _INTERVAL},
    )


def _create_detector_nodes() -> list[Node]:
    return [
        Node(
            choose_thresholds,
            inputs=["prepared_annotations", "predictions", _SETTINGS],
            outputs=["thresholds", "threshold_table"],
            name="choose_thresholds",
        ),
    ]


def _create_network_nodes() -> list[Node]:
    return [
        Node(
            choose_map_thresholds,
            inputs=["prepared_annotations", "scores", "prediction_store", "checkpoint", _SETTINGS],
            outputs=["thresholds", "threshold_table"],
            name="choose_thresholds",
        ),
        Node(
            decode_cells,
            inputs=["scores", "prediction_store", "checkpoint", "thresholds", _SETTINGS],
            outputs="predictions",
            name="decode_cells",
        ),
    ]
