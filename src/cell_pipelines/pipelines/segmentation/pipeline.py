"""From images and their split annotations to a trained segmentation network."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.segmentation.nodes import draw_training_tiles, plot_history, plot_weights, train_network


def create_pipeline(model: str) -> Pipeline:
    """Return the training of the network whose parameters and results are called `model`."""
    data = ["prepared_annotations", "raw@images"]
    template = Pipeline(
        [
            Node(
                draw_training_tiles,
                inputs=[*data, "params:segmentation", "params:model"],
                outputs="augmented_samples",
                name="draw_training_tiles",
            ),
            Node(
                plot_weights,
                inputs=[*data, "params:segmentation", "params:model"],
                outputs="weight_map",
                name="plot_weight_map",
            ),
            Node(
                train_network,
                inputs=[*data, "work_folder", "params:segmentation", "params:model", "params:training_subset"],
                outputs=["checkpoint", "history"],
                name="train",
            ),
            Node(
                plot_history,
                inputs=["history", "params:segmentation", "params:model"],
                outputs="training_curves",
                name="plot_history",
            ),
        ],
        tags="training",
    )
    return Pipeline(
        template,
        namespace=model,
        inputs=set(data),
        parameters={
            "params:model": f"params:{model}",
            **{name: name for name in ("params:segmentation", "params:training_subset")},
        },
    )
