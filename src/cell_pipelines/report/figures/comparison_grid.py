"""A metric over two things that were varied, such as architecture and encoder, with its number in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_COLOURS: Final = "YlGnBu"
_EMPTY: Final = "#eceff2"
_CELL: Final = (0.98, 0.42)  # inches, as the next two are
_LETTER: Final = 0.082
_WIDEST: Final = 15.0  # of all columns with their names written across
_BRIGHT: Final = 0.55  # luminance below which white text is read better
# Of several trials in one cell the first of these is told where none is finished.
_STATES: Final = ("failed", "impossible", "running", "waiting")


def plot_grid(
    trials: pd.DataFrame, metric: str, title: str, *, rows: str = "model", columns: str, higher_is_better: bool = True
) -> Figure:
    """Plot the best value of a metric for each combination of two parameters.

    Args:
        trials: One row per trial; columns `rows`, `columns`, `metric` and `status`. A cell whose trials are not
            finished says why: failed, impossible, running or waiting; a combination that was not asked for is blank.
        metric: Column of the metric.
        title: What it is called.
        rows: The parameter down the side.
        columns: The parameter along the top.
        higher_is_better: Whether more is better.

    Returns:
        The figure: exact numbers on colours from the worst to the best, the best one framed. Where several trials
        fall into one cell, as of several seeds, it shows the best of them and the heading says so.
    """
    if trials.empty or rows not in trials or columns not in trials or metric not in trials:
        return panels.create_note(f"{title}: there are no trials over {rows} and {columns} to show.")
    names = [list(dict.fromkeys(_word(value) for value in trials[key])) for key in (rows, columns)]
    values, states, most = _cells(trials, metric, names, (rows, columns), higher_is_better=higher_is_better)
    longest = [max(len(name) for name in one) for one in names]
    across = max(_CELL[0], _LETTER * longest[1] + 0.1)
    is_across = across * len(names[1]) <= _WIDEST
    below = 1.0 if is_across else 0.9 + _LETTER * longest[1]
    wide = (across if is_across else _CELL[0]) * len(names[1]) + _LETTER * longest[0] + 0.6
    size = (max(wide, 4.6), _CELL[1] * len(names[0]) + below)
    figure, (axes,) = panels.create_panels(1, columns=1, size=size)
    _colour(axes, values, higher_is_better=higher_is_better)
    _write(axes, values, states, higher_is_better=higher_is_better)
    for axis, labels in ((axes.xaxis, names[1]), (axes.yaxis, names[0])):
        axis.set_ticks(np.arange(len(labels)), [panels.to_plain(name, longest=40) for name in labels])
    axes.tick_params(length=0, labelsize=panels.SMALL, labelcolor=panels.DARK)
    axes.tick_params(axis="x", labelrotation=0 if is_across else 90)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(panels.to_plain(columns), fontsize=panels.SMALL, color=panels.DARK)
    axes.set_ylabel(panels.to_plain(rows), fontsize=panels.SMALL, color=panels.DARK)
    several = f", the best of up to {most} trials a cell" if most > 1 else ""
    panels.add_heading(figure, f"{title}{several}")
    return figure


def _cells(
    trials: pd.DataFrame, metric: str, names: Sequence[list[str]], keys: tuple[str, str], *, higher_is_better: bool
) -> tuple[FloatArray, dict[tuple[int, int], str], int]:
    """Return the best value of each cell, what the others are in, and how many trials one has at most."""
    values = np.full((len(names[0]), len(names[1])), np.nan)
    found: dict[tuple[int, int], list[str]] = {}
    for row in trials.to_dict("records"):
        place = names[0].index(_word(row[keys[0]])), names[1].index(_word(row[keys[1]]))
        found.setdefault(place, []).append(str(row["status"]))
        value = float(row[metric]) if row[metric] is not None else np.nan
        if np.isfinite(value) and row["status"] == "finished":
            best = np.fmax if higher_is_better else np.fmin
            values[place] = best(values[place], value)
    states = {
        place: next((state for state in _STATES if state in told), "–") for place, told in found.items()
        if np.isnan(values[place])
    }  # fmt: skip
    return values, states, max((len(told) for told in found.values()), default=0)


def _colour(axes: Axes, values: FloatArray, *, higher_is_better: bool) -> None:
    import matplotlib as mpl

    colours = mpl.colormaps[_COLOURS if higher_is_better else f"{_COLOURS}_r"].with_extremes(bad=_EMPTY)
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.01
    axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=low - margin, vmax=high + margin, aspect="auto")
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(values.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)


def _write(axes: Axes, values: FloatArray, states: dict[tuple[int, int], str], *, higher_is_better: bool) -> None:
    from matplotlib.patches import Rectangle

    colours = axes.images[0].to_rgba(np.nan_to_num(values))
    best = None
    if np.isfinite(values).any():
        flat = np.nanargmax(values) if higher_is_better else np.nanargmin(values)
        best = np.unravel_index(int(flat), values.shape)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            text, colour = states.get((row, column), ""), panels.GREY
        else:
            red, green, blue, _ = colours[row, column]
            is_bright = 0.299 * red + 0.587 * green + 0.114 * blue > _BRIGHT
            text, colour = f"{value:.4f}" if higher_is_better else f"{value:.2f}", panels.DARK if is_bright else "white"
        weight = "bold" if best is not None and (row, column) == tuple(best) else "normal"
        axes.text(column, row, text, ha="center", va="center", fontsize=panels.SMALL, color=colour, fontweight=weight)
    if best is not None:
        axes.add_patch(
            Rectangle((best[1] - 0.47, best[0] - 0.45), 0.94, 0.9, fill=False, edgecolor=panels.DARK, linewidth=1.8)
        )


def _word(value: object) -> str:
    return "none" if value is None or value != value else str(value)  # nan is not itself
