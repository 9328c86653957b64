"""Nodes of a search: the space and what it may take, the trials, and what they say."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.experiments.estimates import estimate_trials
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.runner import Runner
from cell_pipelines.pipelines.experiments.search import Search, open_search, rungs, validation_f1
from cell_pipelines.pipelines.experiments.space import Choice
from cell_pipelines.pipelines.experiments.states import State, read_state
from cell_pipelines.pipelines.experiments.tracking import ExperimentRuns
from cell_pipelines.pipelines.experiments.trials import Trial, searched_trial
from cell_pipelines.report.page.html import Page, embedded_page

logger = logging.getLogger(__name__)

#: Tables and figures, in the order of the node's outputs.
TABLES, FIGURES = ("importance",), ("history", "importance", "slices")


def plan_search(
    annotations: AnnotationSet, everything: dict[str, Any], parameters: ExperimentParameters, folder: Path
) -> pd.DataFrame:
    """Return the space, one row per parameter, log what the search may take, and train nothing."""
    rows = [{"parameter": "model", "type": "categorical", "values": ", ".join(parameters.models)}]
    for name, own in parameters.space.items():
        values = {"values": ", ".join(map(str, own.values))} if isinstance(own, Choice) else own.model_dump()
        rows.append({"parameter": name, "type": own.type, **values})
    table = pd.DataFrame(rows, columns=["parameter", "type", "low", "high", "log", "step", "values"])
    logger.info("%s", "\n" + table.to_string(index=False, na_rep=""))
    chosen = {name: own.halfway() for name, own in parameters.space.items()}
    typical = [searched_trial(number, {**chosen, "model": model}, "", parameters)
              for number, model in enumerate(parameters.models)]  # fmt: skip
    estimate = estimate_trials(typical, annotations, everything, folder)
    places, most = parameters.parallel * len(parameters.devices), parameters.trials or 0
    hours = most * estimate["estimated_seconds"].mean() / places / 3600
    compared = ", ".join(f"{percent} %" for percent in rungs(parameters))
    ended = f"the worse ones are ended after {compared} of their training" if parameters.pruning else "none ends early"
    logger.info("%d trials, %d at once: at most about %.3g hours by values halfway; %s.", most, places, hours,
                ended)  # fmt: skip
    return table


def train_search(name: str) -> Callable[..., pd.DataFrame]:
    """Return the node's function that trains the trials of the search called `name`."""

    def search(
        annotations: AnnotationSet, everything: dict[str, Any], parameters: ExperimentParameters, folder: Path,
        invocation: Invocation,
    ) -> pd.DataFrame:  # fmt: skip
        """Train trials until there are as many as asked for; return one row per trial."""
        runs = ExperimentRuns(name, folder)
        found = open_search(name, folder, annotations, everything, parameters)

        def end(trial: Trial, state: State) -> None:
            found.tell(trial, state)
            value = validation_f1(folder / trial.name, trial) if state.status == "finished" else None
            runs.close_trial(state.run_id, state.status, value)

        runner = Runner(
            invocation, folder, runs, parameters.devices * parameters.parallel,
            prepare=lambda trial, run_id: runs.describe_trial(run_id, {"model": trial.model, **trial.varied}),
            is_hopeless=found.is_hopeless, on_end=end,
        )  # fmt: skip
        try:
            runner.run(found.due(runs), total=found.left())
        except BaseException:
            runs.end("KILLED")
            raise
        table = tabulate_search(found)
        runs.log({f"trials_{status}": float(count) for status, count in table["status"].value_counts().items()})
        runs.end("FINISHED")
        return table

    return search


def tabulate_search(search: Search) -> pd.DataFrame:
    """Return one row per trial in the order in which they were chosen.

    Columns: `trial`, `model`, one for each parameter of the space, `status`, `validation_f1`, `percent` (done by a
    trial that was ended early), `seconds`, `run_id` and `error`.
    """
    rows = [_row(known, read_state(search.folder / trial.name), trial) for known, trial in search.trials()]
    columns = ["trial", "model", *search.parameters.space, "status", "validation_f1", "percent", "seconds", "run_id",
               "error"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _row(known: Any, state: State, trial: Trial) -> dict[str, Any]:
    from optuna.trial import TrialState

    # What Optuna remembers holds where the trial's folder was removed.
    status = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}.get(known.state)
    complete = known.state == TrialState.COMPLETE
    return {
        "trial": trial.name, "model": trial.model, **trial.varied,
        "status": state.status if state.status == "impossible" else status or state.status,
        "validation_f1": known.value if complete else None,
        "percent": known.last_step if known.state == TrialState.PRUNED else None,
        "seconds": state.seconds, "run_id": state.run_id, "error": state.error,
    }  # fmt: skip


def report_search(name: str) -> Callable[..., tuple[Any, ...]]:
    """Return the node's function that says what the search called `name` has found."""

    def report(
        trials: pd.DataFrame, annotations: AnnotationSet, everything: dict[str, Any],
        parameters: ExperimentParameters, folder: Path,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Return the importance of each parameter, the page and the figures."""
        from cell_pipelines.pipelines.experiments.search_page import search_cards, search_sections
        from cell_pipelines.report.figures.search import plot_history, plot_importance, plot_slices

        found = open_search(name, folder, annotations, everything, parameters)
        importance = measure_importance(found)
        varied = [*(["model"] if len(parameters.models) > 1 else []), *parameters.space]
        logarithmic = {key for key, own in parameters.space.items() if getattr(own, "log", False)}
        figures = {
            "history": plot_history(trials),
            "importance": plot_importance(importance),
            "slices": plot_slices(trials, varied, logarithmic),
        }
        sections = search_sections(trials, importance, figures, found)
        heading = name.replace("_", " ")
        page: Page = embedded_page(heading[:1].upper() + heading[1:], search_cards(trials), sections)
        return importance, page, *figures.values()

    return report


def measure_importance(search: Search) -> pd.DataFrame:
    """Return for each parameter the share of the variance of F1 that it explains (fANOVA, Hutter et al. 2014).

    Columns `parameter` and `importance`; no row where fewer than four trials came to their end or none differ.
    """
    import optuna
    from optuna.trial import TrialState

    done = search.study.get_trials(states=[TrialState.COMPLETE])
    if len(done) < 4 or len({one.value for one in done}) < 2:
        return pd.DataFrame({"parameter": [], "importance": []})
    seed = search.parameters.sampler_seed
    found = optuna.importance.get_param_importances(
        search.study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=seed)
    )
    return pd.DataFrame({"parameter": list(found), "importance": list(found.values())})


def check_search(trials: pd.DataFrame, report: str) -> None:
    """End the run as failed where every trial did; some that failed are on the page.

    Args:
        trials: One row per trial.
        report: The page, which stands when this is checked.

    Raises:
        RuntimeError: Names the reason of the last.
    """
    if len(trials) and trials["status"].isin(["failed", "impossible"]).all():
        raise RuntimeError(f"all {len(trials)} trials failed; the last: {trials['error'].iloc[-1]}")
