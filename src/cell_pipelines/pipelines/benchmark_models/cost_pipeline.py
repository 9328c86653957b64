"""One row of costs a model, quickly measured, for the pages that compare models."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.workflows.model_costs import measure_model_costs


def create_cost_pipeline(model: str) -> Pipeline:
    """Return the measurement of what `model` costs: size, arithmetic, time and memory of one image."""
    node = Node(
        measure_model_costs, inputs=["model", "params:model_costs"], outputs="model_costs", name="measure_costs"
    )
    return Pipeline([node], namespace=model, parameters={"params:model_costs"}, tags="reporting")
