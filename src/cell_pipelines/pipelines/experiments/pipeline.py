"""From prepared images to trials that are trained, and to what is said of them."""

from collections.abc import Iterable

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.experiments import search_nodes
from cell_pipelines.pipelines.experiments.comparison import TABLES, compare_trials
from cell_pipelines.pipelines.experiments.comparison_figures import FIGURES
from cell_pipelines.pipelines.experiments.nodes import check_trials, plan_trials, read_results, train_trials


def create_plan_pipeline(name: str, *, is_search: bool = False) -> Pipeline:
    """Return the listing of what the experiment called `name` would train; of a search its space."""
    plan = search_nodes.plan_search if is_search else plan_trials
    node = Node(plan, inputs=_given(name), outputs=f"{name}.experiment_plan_table", name=f"plan_{name}")
    return Pipeline([node], tags="experiment")


def create_search_pipeline(name: str) -> Pipeline:
    """Return the search called `name`: its trials, and what they say.

    The run ends as failed where every trial did, after the page was written.
    """
    trials, report = f"{name}.experiment_trials_table", f"{name}.experiment_report"
    given = _given(name)
    said = [*_tables(name, search_nodes.TABLES), report, *_figures(name, search_nodes.FIGURES)]
    return Pipeline(
        [
            Node(search_nodes.train_search(name), inputs=[*given, "invocation"], outputs=trials, name=f"train_{name}"),
            Node(search_nodes.report_search(name), inputs=[trials, *given], outputs=said, name=f"report_{name}"),
            Node(search_nodes.check_search, inputs=[trials, report], outputs=None, name=f"check_{name}"),
        ],
        tags="experiment",
    )


def create_training_pipeline(name: str) -> Pipeline:
    """Return the training of the trials of the experiment called `name`.

    The run ends as failed where a trial did, after the page about the others was written.
    """
    trials, report = f"{name}.experiment_trials_table", f"{name}.experiment_report"
    given = [*_given(name), "invocation", "raw@images"]
    return Pipeline(
        [
            Node(
                train_trials(name),
                inputs=given,
                outputs=trials,
                name=f"train_{name}",
            ),
            Node(check_trials, inputs=[trials, report], outputs=None, name=f"check_{name}"),
        ],
        tags="experiment",
    )


def create_comparison_pipeline(name: str) -> Pipeline:
    """Return the comparison of the trials of the experiment called `name`."""
    return Pipeline([_comparison_node(name)], tags="experiment")


def create_results_pipeline(name: str) -> Pipeline:
    """Return the reading of what the trials of the experiment called `name` have left, for others to say more."""
    trials, folder = f"{name}.experiment_trials_table", f"{name}.experiment_folder"
    given = [trials, f"params:experiments.{name}", folder]
    node = Node(read_results, inputs=given, outputs=f"{name}.experiment_results", name=f"read_{name}")
    return Pipeline([node], tags="experiment")


def _given(name: str) -> list[str]:
    return ["prepared_annotations", "parameters", f"params:experiments.{name}", f"{name}.experiment_folder"]


def _comparison_node(name: str) -> Node:
    settings = [f"params:experiments.{name}", "params:evaluation", "params:comparison", "params:model_costs"]
    data = [f"{name}.experiment_trials_table", f"{name}.experiment_folder", "prepared_annotations", "raw@images"]
    return Node(
        compare_trials(name),
        inputs=[*data, *settings],
        outputs=[*_tables(name, TABLES), f"{name}.experiment_report", *_figures(name, FIGURES)],
        name=f"compare_{name}",
    )


def _tables(name: str, tables: Iterable[str]) -> list[str]:
    return [f"{name}.experiment_{table}_table" for table in tables]


def _figures(name: str, figures: Iterable[str]) -> list[str]:
    return [f"{name}.experiment_{figure}_figure" for figure in figures]
