"""From the tables of a study's models to one page that compares them."""

import warnings

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.reporting.comparison import COMPARISON_INPUTS, TABLES, compare_study
from cell_pipelines.pipelines.reporting.model_inputs import model_inputs
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters

#: Metrics with figures of their own beside the page, which has those of every metric that is asked for.
METRICS: tuple[str, ...] = ComparisonParameters().metrics


def create_comparison_pipeline(models: tuple[str, ...]) -> Pipeline:
    """Return the page that compares models; nothing where there is only one."""
    if len(models) < 2:
        return Pipeline([])
    tables = model_inputs(models, COMPARISON_INPUTS)
    settings = ["params:evaluation", "params:comparison", "params:reporting"]
    figures = [f"comparison_{kind}_{metric}_figure" for kind in ("ranks", "intervals") for metric in METRICS]
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each model, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        node = Node(
            compare_study(models, METRICS),
            inputs=["prepared_annotations", "raw@images", *settings, *tables],
            outputs=[*(f"comparison_{name}" for name in TABLES), "comparison_report", *figures],
            name="compare_models",
        )
        return Pipeline([node], tags="reporting")
