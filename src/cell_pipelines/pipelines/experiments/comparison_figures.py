"""The figures that compare an experiment's trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from cell_pipelines.metrics.choices import higher_is_better, title_of
from cell_pipelines.workflows.comparison import ModelComparison

if TYPE_CHECKING:
    from cell_pipelines.analysis.model_comparison.model_tables import ModelTables

#: Figures, in the order of the node's outputs.
FIGURES = ("grid", "training_loss", "validation_loss", "intervals", "average_ranks")


def plot_trials(
    trials: pd.DataFrame, given: Mapping[str, ModelTables], found: ModelComparison | None,
    varied: Sequence[str], metric: str,
) -> dict[str, Any]:  # fmt: skip
    """Return the figures of `FIGURES` by name."""
    from cell_pipelines.report.figures.comparison_losses import Side, plot_losses
    from cell_pipelines.report.figures.panels import create_note

    histories = {name: one.history for name, one in given.items() if one.history is not None}
    panel, label = _places(trials, varied)
    sides: dict[str, Side] = {"training_loss": "train", "validation_loss": "val"}
    losses = {name: plot_losses(histories, side, panel=panel, line=label) for name, side in sides.items()}
    intervals = found.interval_figure(metric) if found else None
    ranks = found.rank_figures.get(metric) if found else None
    return {
        "grid": _grid(trials, metric, varied),
        **losses,
        "intervals": intervals or create_note(f"{metric} was not compared."),
        "average_ranks": ranks or create_note(f"{metric} was not ranked."),
    }


def _places(trials: pd.DataFrame, varied: Sequence[str]) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """Return each trial's panel, its model where there are several, and what its line is called."""
    names = trials["trial"].astype(str)
    panel = dict(zip(names, trials["model"].astype(str), strict=True)) if trials["model"].nunique() > 1 else None
    words = [", ".join(str(row[key]) for key in varied) for row in trials.to_dict("records")]
    return panel, dict(zip(names, words, strict=True)) if varied else None


def _grid(trials: pd.DataFrame, metric: str, varied: Sequence[str]) -> Any:
    from cell_pipelines.report.figures.comparison_grid import plot_grid

    better, title = higher_is_better(metric), f"{title_of(metric)} on test"
    rows, columns = ("model", varied[0]) if varied else ("model", "trial")
    return plot_grid(trials, metric, title, rows=rows, columns=columns, higher_is_better=better)
