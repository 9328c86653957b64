"""From the trials of an experiment to what more images would bring."""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.learning_curve.nodes import (
    TABLES,
    plot_curves,
    plot_histories,
    summarise_curve,
    write_report,
)

_SETTINGS = "params:learning_curve"


def create_pipeline(experiment: str = "learning_curve") -> Pipeline:
    """Return what is said of an experiment over numbers of training images.

    Args:
        experiment: Its name; the table of its trials and their results come from its training.
    """
    trials, results = f"{experiment}.experiment_trials_table", f"{experiment}.experiment_results"
    table = {name: f"{experiment}.experiment_{name}_table" for name in TABLES}
    drawn = [table["trainings"], table["points"], _SETTINGS]
    figures = [f"{experiment}.experiment_over_{name}_figure" for name in ("images", "epochs")]
    nodes: list[tuple[Callable[..., Any], Any, Any, str]] = [
        (summarise_curve, [trials, results, _SETTINGS], list(table.values()), "summarise"),
        (plot_curves, drawn, figures[0], "plot_over_images"),
        (plot_histories, table["histories"], figures[1], "plot_over_epochs"),
        (write_report, [_SETTINGS, *figures, *table.values()], f"{experiment}.experiment_report", "report"),
    ]
    return Pipeline(
        [
            Node(function, inputs=given, outputs=made, name=f"{name}_{experiment}")
            for function, given, made, name in nodes
        ],
        tags="experiment",
    )
