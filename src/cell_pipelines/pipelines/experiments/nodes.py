"""Nodes of experiments: which members there are, and training those that are not finished."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines import invocation
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.pipelines.experiments.driver import Driver
from cell_pipelines.pipelines.experiments.estimates import estimate_members, refuse_impossible
from cell_pipelines.pipelines.experiments.members import Member, equal_members, list_members
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.results import read_tables, tabulate_members
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state
from cell_pipelines.pipelines.experiments.tracking import ExperimentRuns

logger = logging.getLogger(__name__)

Train = Callable[[AnnotationSet, dict[str, Any], ExperimentParameters, Path], pd.DataFrame]


def plan_members(
    annotations: AnnotationSet, everything: dict[str, Any], parameters: ExperimentParameters, folder: Path
) -> pd.DataFrame:
    """Return what would be trained, with time and memory estimated, and train nothing."""
    members = list_members(parameters)
    keys = {member.name: member.key(everything, annotations.fingerprint()) for member in members}
    table = estimate_members(members, annotations, everything, folder)
    table.insert(2, "status", [_due(read_state(folder / m.name), keys[m.name]).status for m in members])
    table["reason"] = table["reason"].fillna(table["member"].map(equal_members(members, everything)))
    table.loc[table["reason"].notna(), "status"] = "impossible"
    left = table[~table["status"].isin(["finished", "impossible"])]
    places = parameters.parallel * len(parameters.devices)
    logger.info("%s", "\n" + table.to_string(index=False, na_rep="", float_format="{:.4g}".format))
    logger.info(
        "%d of %d members are left: about %.3g hours, %d at once, each up to %.3g GB.",
        len(left), len(table), left["estimated_seconds"].sum() / places / 3600, places,
        left["estimated_memory_mb"].max() / 1000 if len(left) else 0,
    )  # fmt: skip
    return table


def train_members(name: str) -> Train:
    """Return the node's function that trains the members of the experiment called `name`."""

    def train(
        annotations: AnnotationSet, everything: dict[str, Any], parameters: ExperimentParameters, folder: Path
    ) -> pd.DataFrame:
        """Train the members that are not finished; return a row a member."""
        return _train(name, annotations, everything, parameters, folder)

    return train


def _train(
    name: str, annotations: AnnotationSet, everything: dict[str, Any], parameters: ExperimentParameters, folder: Path
) -> pd.DataFrame:
    members = list_members(parameters)
    fingerprint = annotations.fingerprint()
    keys = {member.name: member.key(everything, fingerprint) for member in members}
    runs = ExperimentRuns(name, folder)
    driver = Driver(invocation.current(), folder, runs, parameters.devices * parameters.parallel)
    try:
        due = _due_members(members, keys, folder, runs)
        impossible = refuse_impossible(due, annotations, everything) | equal_members(members, everything)
        for member in due:
            if member.name in impossible:
                reason = impossible[member.name]
                write_state(folder / member.name, State("impossible", keys[member.name], error=reason))
                logger.warning("%s is not trained: %s", member.name, reason)
        left = [member for member in due if member.name not in impossible][: parameters.stop_after]
        logger.info("%s: %d of %d members are left to be trained.", name, len(left), len(members))
        driver.run([(member, keys[member.name]) for member in left])
    except BaseException:
        runs.end("KILLED")
        raise
    table = tabulate_members(folder, members)
    runs.log({f"members_{status}": float((table["status"] == status).sum())
              for status in ("finished", "failed", "impossible", "waiting")})  # fmt: skip
    runs.end("FINISHED")
    return table


def _due_members(members: list[Member], keys: Mapping[str, str], folder: Path, runs: ExperimentRuns) -> list[Member]:
    """Return the members that are not finished; what a killed call did not write down is asked of MLflow."""
    due = []
    for member in members:
        state = _due(read_state(folder / member.name), keys[member.name])
        if state.status == "running" and runs.is_finished(state.run_id):
            state = state.changed(status="finished")
            write_state(folder / member.name, state)
        if state.status not in ("finished", "impossible"):
            due.append(member)
    return due


def _due(state: State, key: str) -> State:
    """Return the state as far as it is about the member as it is asked for now."""
    return state if state.key == key else State()


def read_results(
    members: pd.DataFrame, parameters: ExperimentParameters, folder: Path
) -> dict[str, dict[str, pd.DataFrame]]:
    """Return the tables of each finished member."""
    done = set(members.loc[members["status"] == "finished", "member"])
    return {m.name: read_tables(folder / m.name, m) for m in list_members(parameters) if m.name in done}


def check_members(members: pd.DataFrame, report: str) -> None:
    """End the run as failed where a member did, after all that can be said of the others was written.

    Args:
        members: A row a member.
        report: The page about the others, which stands when this is checked.

    Raises:
        RuntimeError: Names them.
    """
    failed = members[members["status"] == "failed"]
    if len(failed):
        listed = "; ".join(f"{row.member}: {row.error}" for row in failed.head(5).itertuples())
        raise RuntimeError(f"{len(failed)} of {len(members)} members failed, the others are on the page: {listed}")
