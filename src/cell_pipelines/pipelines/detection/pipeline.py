"""From a prepared data set to a trained detector."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.detection.nodes import (
    draw_augmented_samples,
    log_history,
    plot_history,
    train_detector,
)

_SHARED = {"params:training_subset"}


def create_pipeline(model: str) -> Pipeline:
    """Return the training of the detector whose parameters, data set and results are called `model`."""
    template = Pipeline(
        [
            Node(
                train_detector,
                inputs=[
                    "dataset",
                    "prepared_annotations",
                    "work_folder",
                    "params:model",
                    "params:training_subset",
                ],
                outputs=["checkpoint", "history"],
                name="train",
            ),
            Node(log_history, inputs="history", outputs="training_metrics", name="log_history"),
            Node(plot_history, inputs="history", outputs="training_curves", name="plot_history"),
        ],
        tags="training",
    )
    return _instantiate(template, model)


def create_preview_pipeline(model: str) -> Pipeline:
    """Return the drawing of what the detector called `model` will be shown."""
    node = Node(
        draw_augmented_samples,
        inputs=["dataset", "prepared_annotations", "params:model"],
        outputs="augmented_samples",
        name="draw_augmented_samples",
    )
    return _instantiate(Pipeline([node], tags="preparation"), model)


def _instantiate(template: Pipeline, model: str) -> Pipeline:
    return Pipeline(
        template,
        namespace=model,
        inputs={"dataset": f"{model}_dataset", "prepared_annotations": "prepared_annotations"},
        parameters={"params:model": f"params:{model}", **{name: name for name in template.inputs() & _SHARED}},
    )
