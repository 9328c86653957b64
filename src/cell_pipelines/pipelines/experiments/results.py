"""Read and join the tables of an experiment's trials."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import filter_by_score, select_images
from cell_pipelines.annotations.storage import read_parquet
from cell_pipelines.files import atomic_path
from cell_pipelines.metrics.choices import metrics_shown
from cell_pipelines.pipelines.experiments.states import read_state
from cell_pipelines.pipelines.experiments.trials import Trial
from cell_pipelines.spreadsheet_text import protect_table, restore_table
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.model_costs import CostParameters, measure_model_costs

#: Columns of the table of trials after those that vary.
_STATE = ("status", "images", "epochs", "training_seconds", "training_memory_mb", "device", "parameters_m", "seconds",
          "run_id", "error")  # fmt: skip
#: Metrics on test, all classes together, with their intervals where there are some.
_METRICS = tuple(metric.name for metric in metrics_shown("trials"))
_WITH_ENDS = tuple(f"{metric}{end}" for metric in _METRICS for end in ("", "_low", "_high"))
TABLES = ("evaluation_classes", "evaluation_images", "evaluation_cells", "evaluation_instances", "history")


def model_file(folder: Path, trial: Trial) -> Path:
    """Return where the model of the trial in `folder` lies."""
    return folder / "06_models" / f"{trial.model}.pt"


def read_tables(folder: Path, trial: Trial) -> dict[str, pd.DataFrame]:
    """Return the tables of the finished trial in `folder` by name."""
    place = folder / "08_reporting" / trial.model
    there = [name for name in TABLES if name != "history" or not trial.members]  # an ensemble is not trained itself
    return {name: restore_table(pd.read_csv(place / f"{name}.csv")) for name in there}


def tabulate_trials(folder: Path, trials: Sequence[Trial]) -> pd.DataFrame:
    """Return one row per trial: what varies, how it ended, what it took, and its metrics on test."""
    rows = [_row(folder / trial.name, trial) for trial in trials]
    varied = list(dict.fromkeys(key for trial in trials for key in trial.varied))
    table = pd.DataFrame(rows, columns=["trial", "model", *varied, *_STATE, *_WITH_ENDS])
    return table.drop(columns=[name for name in _WITH_ENDS if name not in _METRICS and table[name].isna().all()])


def _row(folder: Path, trial: Trial) -> dict[str, Any]:
    state = read_state(folder)
    row = {"trial": trial.name, "model": trial.model, **trial.varied, "status": state.status,
           "seconds": state.seconds, "run_id": state.run_id, "error": state.error}  # fmt: skip
    if state.status != "finished":
        return row
    from cell_pipelines.models.model_file import count_parameters, read_record

    path = model_file(folder, trial)
    cost = read_record(path).get("training_cost", {})
    total = read_tables(folder, trial)["evaluation_classes"].iloc[-1]
    metrics = {str(name): value for name, value in total.items() if str(name) in _WITH_ENDS}
    return row | metrics | {
        "images": cost.get("images"), "epochs": cost.get("epochs"), "training_seconds": cost.get("seconds"),
        "training_memory_mb": cost.get("memory_mb"), "device": cost.get("device"),
        "parameters_m": count_parameters(path) / 1e6,
    }  # fmt: skip


def trial_costs(folder: Path, trial: Trial, settings: CostParameters | None) -> pd.DataFrame:
    """Return what the model of a finished trial costs, measured once and kept beside it.

    Args:
        folder: The trial's.
        trial: It.
        settings: How it is measured; None for its number of parameters only.
    """
    from cell_pipelines.models.model_file import count_parameters

    path, kept = model_file(folder, trial), folder / "costs.csv"
    if settings is None:
        return pd.DataFrame([{"parameters_m": count_parameters(path) / 1e6}])
    if not kept.is_file() or kept.stat().st_mtime < path.stat().st_mtime:
        with atomic_path(kept) as temporary:
            protect_table(measure_model_costs(path, settings)).to_csv(temporary, index=False)
    return restore_table(pd.read_csv(kept))


def read_cells(folder: Path, trial: Trial) -> Callable[[str], AnnotationSet]:
    """Return what gives the cells that a finished trial accepted in an image, by the image's name."""
    found = read_parquet(folder / "07_model_output" / trial.model / "predictions")
    thresholds = json.loads((folder / "08_reporting" / trial.model / "thresholds.json").read_text(encoding="utf-8"))
    accepted = filter_by_score(found, Thresholds.from_plain(thresholds))
    return lambda name: select_images(accepted, [accepted.names.index(name)])
