"""From trained models, or the names of untrained ones, to what they cost on each engine."""

import warnings

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.benchmark_models.nodes import (
    export,
    join,
    join_untrained,
    log_metrics,
    measure,
    measure_untrained,
    plot,
    write_report,
)

_PARAMETERS = "params:benchmark_models"


def create_pipeline(models: tuple[str, ...]) -> Pipeline:
    """Return the benchmark of trained models, and the page that compares them."""
    each = sum((_create_one(model) for model in models), Pipeline([]))
    tables = [f"{model}.{name}" for name in ("benchmark", "evaluated_classes") for model in models]
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each model, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        joining = Node(join, inputs=tables, outputs=["model_benchmark", "model_benchmark_runs"], name="join_benchmarks")
        return each + Pipeline([joining, *_show("model_benchmark")], tags="benchmark")


def create_untrained_pipeline() -> Pipeline:
    """Return the benchmark of the networks that the parameters name, before any training."""
    nodes = [
        Node(measure_untrained, inputs=_PARAMETERS, outputs="network_benchmark_runs", name="measure_networks"),
        Node(join_untrained, inputs="network_benchmark_runs", outputs="network_benchmark", name="join_networks"),
    ]
    return Pipeline([*nodes, *_show("network_benchmark")], tags="benchmark")


def _create_one(model: str) -> Pipeline:
    nodes = [
        Node(export, inputs=["model", _PARAMETERS], outputs="exported", name="export_model"),
        Node(measure(model), inputs=["model", "exported", _PARAMETERS], outputs="benchmark", name="measure_model"),
        Node(log_metrics, inputs="benchmark", outputs="benchmark_metrics", name="log_benchmark"),
    ]
    return Pipeline(nodes, namespace=model, parameters={_PARAMETERS}, inputs={}, tags="benchmark")


def _show(table: str) -> list[Node]:
    tables, figure = [table, f"{table}_runs"], f"{table}_figure"
    given = [*tables, figure, _PARAMETERS]
    return [
        Node(plot, inputs=[*tables, _PARAMETERS], outputs=figure, name=f"plot_{table}"),
        Node(write_report, inputs=given, outputs=f"{table}_report", name=f"report_{table}"),
    ]
