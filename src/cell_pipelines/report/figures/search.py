"""Figures of a search: the best value so far, what parameters matter, and the value over each of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures import panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VALUE: Final = "F1, validation"
_COLUMNS: Final = 3


def plot_history(trials: pd.DataFrame) -> Figure:
    """Plot the value of each trial over its number, and the best so far.

    Args:
        trials: One row per trial in the order in which they were chosen, with `status` and `validation_f1`; those that
            did not come to their end are marked at the bottom.
    """
    from matplotlib.ticker import MaxNLocator

    values = trials["validation_f1"].astype(float)
    if values.isna().all():
        return panels.create_note("No trial has come to its end.")
    figure, (axes,) = panels.create_panels(1, columns=1, size=(6.4, 3.6))
    numbers = np.arange(len(trials))
    handles: dict[str, Any] = {}
    (handles["best so far"],) = axes.step(numbers, values.cummax().ffill(), where="post", **panels.line_style(0))
    handles["trial"] = axes.scatter(numbers, values, s=24, zorder=3, color=panels.DARK)
    low = float(values.min()) - 0.08 * (float(values.max() - values.min()) or 0.1)
    for place, status in enumerate(("pruned", "failed", "impossible"), start=1):
        own = (trials["status"] == status).to_numpy()
        if own.any():
            style = panels.marker_style(place)
            label = "ended early" if status == "pruned" else status
            handles[label] = axes.scatter(numbers[own], np.full(own.sum(), low), s=24, **style)
    panels.style_axes(axes, x="trial", y=_VALUE)
    axes.set_ylim(bottom=low - 0.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels.add_legend(figure, handles)
    return figure


def plot_importance(importance: pd.DataFrame) -> Figure:
    """Plot the importance of each parameter as a bar, the largest on top.

    Args:
        importance: Columns `parameter` and `importance` in [0, 1].
    """
    if importance.empty:
        return panels.create_note("Too few trials have come to their end to tell what parameters matter.")
    rows = importance.sort_values("importance")
    figure, (axes,) = panels.create_panels(1, columns=1, size=(6.4, 0.9 + 0.35 * len(rows)))
    axes.barh(np.arange(len(rows)), rows["importance"], color=panels.line_style(0)["color"], height=0.6)
    axes.set_yticks(np.arange(len(rows)), [panels.to_plain(str(name), longest=44) for name in rows["parameter"]])
    panels.style_axes(axes, x="share of the variance of F1", y="")
    axes.set_xlim(0, 1)
    return figure


def plot_slices(trials: pd.DataFrame, varied: Sequence[str], logarithmic: Collection[str]) -> Figure:
    """Plot the value of each trial that came to its end over each parameter, one panel per parameter.

    Args:
        trials: One row per trial with `validation_f1` and a column for each parameter.
        varied: The parameters.
        logarithmic: Those whose axis is logarithmic.
    """
    done = trials[trials["validation_f1"].notna()]
    if done.empty or not varied:
        return panels.create_note("No trial has come to its end.")
    figure, all_axes = panels.create_panels(len(varied), columns=_COLUMNS, size=(2.9, 2.4))
    for axes, name in zip(all_axes, varied, strict=True):
        _draw_slice(axes, done[name], done["validation_f1"].astype(float))
        panels.style_axes(axes, x=panels.to_plain(name, longest=40), y=_VALUE)
        if name in logarithmic:
            axes.set_xscale("log")
    return figure


def _draw_slice(axes: Axes, given: pd.Series[Any], values: pd.Series[float]) -> None:
    numeric = given.map(lambda value: isinstance(value, int | float | np.number) and not isinstance(value, bool))
    colour = panels.line_style(0)["color"]
    if numeric.all() and given.notna().all():
        axes.scatter(given.astype(float), values, s=20, color=colour)
        return
    words = given.map(lambda value: "none" if value is None or value != value else str(value))
    names = sorted(set(words))
    axes.scatter([names.index(word) for word in words], values, s=20, color=colour)
    axes.set_xticks(range(len(names)), [panels.to_plain(name, longest=14) for name in names])
    axes.margins(x=0.2)
