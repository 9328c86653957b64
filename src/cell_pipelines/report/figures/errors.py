"""Figures of what goes wrong: how many errors of each kind, and how much F1 each kind costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ORANGE: Final = to_hex(category_colour(1))
_BLUE: Final = to_hex(category_colour(5))


def plot_error_kinds(table: pd.DataFrame) -> Figure:
    """Plot how many errors of each kind there are, and the F1 that mending each kind would bring.

    Args:
        table: One row per kind; columns `error`, `errors` and `f1_lost`, as `analysis.error_kinds` gives them.

    Returns:
        The figure, two panels of bars; without an error it says so.
    """
    if table.empty or not table["errors"].sum():
        return panels.create_note("There is no error to show.")
    names = [panels.to_plain(str(name), longest=26) for name in table["error"]]
    figure, (left, right) = panels.create_panels(2, columns=2, size=(3.9, 0.27 * len(names) + 0.9))
    _draw_bars(left, table["errors"].to_numpy(dtype=float), _BLUE, "{:.0f}")
    _draw_bars(right, table["f1_lost"].to_numpy(dtype=float), _ORANGE, "{:.3f}")
    left.set_yticks(np.arange(len(names)), names)
    right.set_yticks(np.arange(len(names)), [""] * len(names))
    panels.style_axes(left, title="How many", x="errors", y="")
    panels.style_axes(right, title="What they cost", x="F1 that mending them would bring", y="")
    return figure


def _draw_bars(axes: Axes, values: np.ndarray, colour: str, form: str) -> None:
    known = np.nan_to_num(values)
    places = np.arange(len(values))
    axes.barh(places, known, color=colour, height=0.62)
    for place, value in zip(places, known, strict=True):
        axes.annotate(form.format(value), (value, place), xytext=(3, 0), textcoords="offset points",
                      va="center", fontsize=panels.SMALL, color=panels.DARK)  # fmt: skip
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlim(0, max(float(known.max()), 1e-6) * 1.25)
    axes.tick_params(axis="y", length=0)
