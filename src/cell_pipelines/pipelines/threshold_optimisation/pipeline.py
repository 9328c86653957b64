"""From stored predictions to a model that knows its thresholds."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.threshold_optimisation.nodes import (
    choose_thresholds,
    plot_thresholds,
    store_thresholds,
)


def create_pipeline(model: str) -> Pipeline:
    """Return the choice of thresholds for `model`."""
    template = Pipeline(
        [
            Node(
                choose_thresholds,
                inputs=["prepared_annotations", "predictions", "params:threshold_optimisation"],
                outputs=["thresholds", "confidence_table"],
                name="choose_thresholds",
            ),
            Node(
                store_thresholds,
                inputs=["checkpoint", "thresholds"],
                outputs="model",
                name="store_thresholds",
            ),
            Node(
                plot_thresholds,
                inputs=["confidence_table", "thresholds"],
                outputs="confidence_curves",
                name="plot_thresholds",
            ),
        ],
        tags="evaluation",
    )
    return Pipeline(
        template,
        namespace=model,
        inputs={"prepared_annotations"},
        parameters={"params:threshold_optimisation"},
    )
