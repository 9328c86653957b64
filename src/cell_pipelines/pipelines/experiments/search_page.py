"""The page of a search: the best trial, how it was found, and what each parameter does."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from cell_pipelines.nested_parameters import nest
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.results import model_file
from cell_pipelines.pipelines.experiments.search import Search, rungs

if TYPE_CHECKING:
    from cell_pipelines.report.page.html import Section

_NOTE = (
    "Trials are compared by F1 on the validation images at the thresholds that were chosen on them. The best of many "
    "trials looks better on these images than it is on new ones, the more so the fewer images there are. Test images "
    "were neither predicted nor evaluated."
)
_DEFINITIONS = {
    "validation_f1": "F1 on validation images at the chosen thresholds",
    "percent": "how much of its training a trial that was ended early has done",
    "seconds": "of the whole trial",
}


def search_cards(trials: pd.DataFrame) -> dict[str, str]:
    """Return how many trials ended how, and the best F1."""
    counts = trials["status"].value_counts()
    best = trials["validation_f1"].max()
    return {
        "Trials": str(len(trials)),
        **{str(status).capitalize(): str(count) for status, count in counts.items()},
        **({} if pd.isna(best) else {"Best F1 on validation": f"{best:.3f}"}),
    }


def search_sections(
    trials: pd.DataFrame, importance: pd.DataFrame, figures: Mapping[str, Any], search: Search
) -> list[Section]:
    """Return the page's sections.

    Args:
        trials: One row per trial.
        importance: One row per parameter; may have none.
        figures: ``history``, ``importance`` and ``slices``.
        search: The search itself.
    """
    from cell_pipelines.report.page.html import Picture, Section, Table

    shown = trials.drop(columns="run_id")
    shown = shown.sort_values("validation_f1", ascending=False, na_position="last", ignore_index=True)
    done = int((trials["status"] == "finished").sum())
    caption = f"Share of the variance of F1 that a parameter explains, {done} trials"
    parts = [Picture(figures["importance"], caption)] if len(importance) else []
    parts.append(Picture(figures["slices"], "F1 of each trial over each parameter"))
    return [
        *_best(search),
        Section("History", [Picture(figures["history"], "F1 of each trial, and the best so far")],
                note=_describe_end(search.parameters)),
        Section("Parameters", parts, note=_describe_importance(importance, done)),
        Section("Trials", [Table(shown.dropna(axis="columns", how="all"), f"The {len(trials)} trials, the best first",
                                 _DEFINITIONS)]),
    ]  # fmt: skip


def _best(search: Search) -> list[Section]:
    from cell_pipelines.report.page.html import Commands, Section, Text

    best = search.best()
    if best is None:
        return [Section("Best trial", [Text("No trial has come to its end.")])]
    trial, value = best
    path = model_file(search.folder / trial.name, trial)
    changes = {name: given for name, given in trial.changes.items() if name != "threshold_optimisation.scored"}
    return [
        Section(
            "Best trial",
            [
                Text(f"{trial.name}: {trial.model}, F1 {value:.3f} on validation images. Its model: {path}. "
                     "These lines, in a file parameters_….yml of the study, train it again:"),
                Text(yaml.safe_dump(nest(changes), sort_keys=False, default_flow_style=True, width=1000).strip()),
                Text("Evaluated on images that it has not seen:"),
                Commands([shlex.join(["cell-pipelines", "evaluate", "IMAGES", "--annotations", "LABELS", "--model",
                                      str(path)])]),
            ],
            note=_NOTE,
        )
    ]  # fmt: skip


def _describe_end(parameters: ExperimentParameters) -> str:
    compared = " and ".join(f"{percent} %" for percent in rungs(parameters))
    if parameters.pruning is None or not compared:
        return "Every trial was trained to its end."
    return (
        f"After {compared} of its training a trial was compared with all that had come so far, and went on if it was "
        f"in the best {100 / parameters.pruning.keep:.0f} %."
    )


def _describe_importance(importance: pd.DataFrame, done: int) -> str:
    if importance.empty:
        return f"With {done} trials that came to their end no importance can be told; it takes 4 that differ."
    return (
        f"Importance is by functional ANOVA on a random forest of the {done} trials that came to their end; of few "
        "trials it is a rough guess."
    )
