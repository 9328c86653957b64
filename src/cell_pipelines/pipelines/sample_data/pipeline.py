"""From nothing to annotated images."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.sample_data.nodes import generate_sample_images


def create_pipeline() -> Pipeline:
    """Return the pipeline: the synthetic microscope takes its fields."""
    node = Node(
        generate_sample_images,
        inputs="params:sample_data",
        outputs="raw@generated",
        name="generate_sample_images",
    )
    return Pipeline([node], tags="preparation")
