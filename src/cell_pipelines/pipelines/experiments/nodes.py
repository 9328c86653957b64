"""Nodes of experiments: which trials there are, and training those that are not finished."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.invocation import Invocation
from cell_pipelines.old_names import rename_old_columns
from cell_pipelines.pipelines.experiments.estimates import estimate_trials, refuse_impossible
from cell_pipelines.pipelines.experiments.folds import Folds
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.results import read_tables, tabulate_trials
from cell_pipelines.pipelines.experiments.runner import Runner
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state
from cell_pipelines.pipelines.experiments.tracking import ExperimentRuns
from cell_pipelines.pipelines.experiments.trials import Trial, equal_trials, list_trials

logger = logging.getLogger(__name__)

Train = Callable[..., pd.DataFrame]


def plan_trials(
    annotations: AnnotationSet, everything: dict[str, Any], parameters: ExperimentParameters, folder: Path
) -> pd.DataFrame:
    """Return what would be trained, with time and memory estimated, and train nothing."""
    trials = [trial for trial in list_trials(parameters) if not trial.members]
    keys = {trial.name: trial.key(everything, annotations.fingerprint()) for trial in trials}
    table = estimate_trials(trials, annotations, everything, folder)
    table.insert(2, "status", [_due(read_state(folder / m.name), keys[m.name]).status for m in trials])
    table["reason"] = table["reason"].fillna(table["trial"].map(equal_trials(trials, everything)))
    table.loc[table["reason"].notna(), "status"] = "impossible"
    left = table[~table["status"].isin(["finished", "impossible"])]
    places = parameters.parallel * len(parameters.devices)
    logger.info("%s", "\n" + table.to_string(index=False, na_rep="", float_format="{:.4g}".format))
    logger.info(
        "%d of %d trials are left: about %.3g hours, %d at once, each up to %.3g GB.",
        len(left), len(table), left["estimated_seconds"].sum() / places / 3600, places,
        left["estimated_memory_mb"].max() / 1000 if len(left) else 0,
    )  # fmt: skip
    return table


def train_trials(name: str) -> Train:
    """Return the node's function that trains the trials of the experiment called `name`."""

    def train(
        annotations: AnnotationSet, everything: dict[str, Any], parameters: ExperimentParameters, folder: Path,
        invocation: Invocation, images: dict[str, ImageFile],
    ) -> pd.DataFrame:  # fmt: skip
        """Train the trials that are not finished; return one row per trial."""
        runs = ExperimentRuns(name, folder)
        runner = Runner(invocation, folder, runs, parameters.devices * parameters.parallel)
        return _train(name, runner, Folds(folder, annotations, images, everything), parameters)

    return train


def _train(name: str, runner: Runner, folds: Folds, parameters: ExperimentParameters) -> pd.DataFrame:
    folder, runs, annotations, everything = runner.folder, runner.runs, folds.annotations, folds.everything
    trials = list_trials(parameters)
    fingerprint = annotations.fingerprint()
    keys = {trial.name: trial.key(everything, fingerprint) for trial in trials}
    try:
        due = _due_trials(trials, keys, folder, runs)
        possible = [trial for trial in due if not trial.members]
        impossible = refuse_impossible(possible, annotations, everything) | equal_trials(trials, everything)
        for trial in due:
            if trial.name in impossible:
                reason = impossible[trial.name]
                write_state(folder / trial.name, State("impossible", keys[trial.name], error=reason))
                logger.warning("%s is not trained: %s", trial.name, reason)
        left = [trial for trial in due if trial.name not in impossible][: parameters.stop_after]
        logger.info("%s: %d of %d trials are left to be trained.", name, len(left), len(trials))
        trained = [(trial, keys[trial.name]) for trial in left if not trial.members]
        runner.run(trained, total=len(trained))
        _put_together(runner, folds, trials, [(trial, keys[trial.name]) for trial in left if trial.members])
    except BaseException:
        runs.end("KILLED")
        raise
    table = tabulate_trials(folder, trials)
    runs.log({f"trials_{status}": float((table["status"] == status).sum())
              for status in ("finished", "failed", "impossible", "waiting")})  # fmt: skip
    runs.end("FINISHED")
    return table


def _put_together(
    runner: Runner, folds: Folds, trials: Sequence[Trial], ensembles: Sequence[tuple[Trial, str]]
) -> None:
    """Score what the folds' models were trained without, and make and evaluate those ensembles whose folds are done."""
    named = {trial.name: trial for trial in trials}
    done = {name for name, trial in named.items() if read_state(runner.folder / name).status == "finished"}
    for name in sorted(done):
        if named[name].subset.fold is not None:
            folds.score_held_out(named[name])

    def write(trial: Trial, run_id: str | None) -> None:
        folds.write_ensemble(trial, run_id, [named[name] for name in trial.members])

    ready = [(trial, key) for trial, key in ensembles if set(trial.members) <= done]
    replace(runner, prepare=write).run(ready, total=len(ready))


def _due_trials(trials: list[Trial], keys: Mapping[str, str], folder: Path, runs: ExperimentRuns) -> list[Trial]:
    """Return the trials that are not finished; what a killed call did not write down is asked of MLflow."""
    due = []
    for trial in trials:
        state = _due(read_state(folder / trial.name), keys[trial.name])
        if state.status == "running" and runs.is_finished(state.run_id):
            state = state.changed(status="finished")
            write_state(folder / trial.name, state)
        if state.status not in ("finished", "impossible"):
            due.append(trial)
    return due


def _due(state: State, key: str) -> State:
    """Return the state as far as it is about the trial as it is asked for now."""
    return state if state.key == key else State()


def read_results(
    trials: pd.DataFrame, parameters: ExperimentParameters, folder: Path
) -> dict[str, dict[str, pd.DataFrame]]:
    """Return the tables of each finished trial."""
    table = rename_old_columns(trials)
    done = set(table.loc[table["status"] == "finished", "trial"])
    return {m.name: read_tables(folder / m.name, m) for m in list_trials(parameters) if m.name in done}


def check_trials(trials: pd.DataFrame, report: str) -> None:
    """End the run as failed where a trial did, after all that can be said of the others was written.

    Args:
        trials: One row per trial.
        report: The page about the others, which stands when this is checked.

    Raises:
        RuntimeError: Names them.
    """
    failed = rename_old_columns(trials[trials["status"] == "failed"])
    if len(failed):
        listed = "; ".join(f"{row.trial}: {row.error}" for row in failed.head(5).itertuples())
        raise RuntimeError(f"{len(failed)} of {len(trials)} trials failed, the others are on the page: {listed}")
