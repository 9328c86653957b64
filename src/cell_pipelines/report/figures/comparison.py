"""Figures that set models or methods beside each other: quality over overlap, and numbers with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.metrics.choices import is_rate, metrics_shown
from cell_pipelines.model_titles import model_title
from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_QUALITIES: Final = {"f1": "F1", "accuracy": "TP / (TP + FP + FN)", "panoptic_quality": "panoptic quality"}
_COLUMNS: Final = 3
_BLUE: Final = to_hex(category_colour(5))


def plot_instance_curve(table: pd.DataFrame, *, name: str = "category") -> Figure:
    """Plot F1, accuracy and panoptic quality of instances over the overlap that counts as found.

    Args:
        table: One row per class (or model) and threshold; columns `name`, `iou` and any of `f1`, `accuracy` and
            `panoptic_quality`. Values that are nan leave a gap.
        name: The column that names the lines, such as category or model.

    Returns:
        The figure, one panel per quantity and one line per name; it says so where there is nothing to plot.
    """
    shown = [column for column in _QUALITIES if column in table and table[column].notna().any()]
    if table.empty or not shown:
        return panels.create_note("There are no masks on both sides to compare.")
    figure, all_axes = panels.create_panels(len(shown), columns=3, size=(3.1, 2.5))
    handles: dict[str, Any] = {}
    for axes, column in zip(all_axes, shown, strict=True):
        for place, (label, rows) in enumerate(table.groupby(name, sort=False)):
            ordered = rows.sort_values("iou", kind="stable")
            style = {**panels.line_style(place), "marker": "o", "markersize": 3}
            (handles[str(label)],) = axes.plot(ordered["iou"], ordered[column], **style)
        panels.style_axes(axes, title=_QUALITIES[column], x="least IoU of a found cell", y="0 to 1")
        low, high = float(table["iou"].min()), float(table["iou"].max())
        axes.set(xlim=(low - 0.03, high + 0.03), ylim=(-0.02, 1.02))
    panels.add_legend(figure, handles)
    return figure


def plot_comparison(table: pd.DataFrame, *, metrics: Mapping[str, str] | None = None, level: float = 0.95) -> Figure:
    """Plot each metric of each model as a point with its interval.

    Args:
        table: One row per model; columns `model`, and any of those of `metrics`, each with its interval in `…_low` and
            `…_high` where it has one. A metric that no model has gets no panel; one that a model does not have is a
            dash in its row.
        metrics: The columns to be shown with what they are called; None for those that models are tested by.
        level: Of the intervals, to be told.

    Returns:
        The figure, one panel per metric; models are in the order of the table. It says so where there is nothing.
    """
    metrics = {metric.name: metric.title for metric in metrics_shown("tested")} if metrics is None else metrics
    shown = [column for column in metrics if column in table and table[column].notna().any()]
    if table.empty or not shown:
        return panels.create_note("There is no model to compare.")
    names = [panels.to_plain(model_title(str(name)), longest=26) for name in table["model"]]
    width = 2.3 + 0.025 * max(len(name) for name in names)
    size = (width, max(1.35, 0.27 * len(names) + 0.75))
    figure, all_axes = panels.create_panels(len(shown), columns=_COLUMNS, size=size)
    handles: dict[str, Any] = {}
    for place, (axes, column) in enumerate(zip(all_axes, shown, strict=True)):
        handles |= _draw_metric(axes, table, column, level)
        axes.set_yticks(np.arange(len(names)), names if place % _COLUMNS == 0 else [""] * len(names))
        axes.set_ylim(len(names) - 0.5, -0.5)
        panels.style_axes(axes, title=metrics[column], x="", y="")
        axes.tick_params(axis="y", length=0)
    panels.add_legend(figure, handles)
    return figure


def _draw_metric(axes: Axes, table: pd.DataFrame, column: str, level: float) -> dict[str, Any]:
    values = table[column].to_numpy(dtype=float)
    places = np.arange(len(values))
    handles: dict[str, Any] = {}
    if f"{column}_low" in table and f"{column}_high" in table:
        low, high = (table[f"{column}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
        known = np.isfinite(low) & np.isfinite(high)
        if known.any():
            handles[f"{100 * level:g} % interval"] = axes.hlines(
                places[known], low[known], high[known], color=_BLUE, linewidth=2.4, alpha=0.55
            )
    known = np.isfinite(values)
    (handles["all test images"],) = axes.plot(values[known], places[known], "o", color=_BLUE, markersize=6)
    _frame(axes, as_rate=is_rate(column))
    for place in places[~known]:
        axes.annotate("–", (0.02, place), xycoords=("axes fraction", "data"), va="center", color=panels.GREY)
    return handles


def _frame(axes: Axes, *, as_rate: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_xlim()
    if as_rate:
        axes.set_xlim(max(-0.02, min(low, high - 0.1)), min(1.02, max(high, low + 0.1)))
    else:
        axes.set_xlim(0, max(high, 0.1))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
