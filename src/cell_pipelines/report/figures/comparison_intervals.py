"""One metric of many models, each with its interval, the best on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.model_titles import model_title
from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_BLUE: Final = to_hex(category_colour(5))
_ROW: Final = 0.205  # inches


def plot_intervals(
    table: pd.DataFrame,
    metric: str,
    title: str,
    *,
    name: str = "model",
    higher_is_better: bool = True,
    level: float = 0.95,
) -> Figure:
    """Plot a metric of each model as a point with its interval, the best on top, with the number at the right.

    Args:
        table: One row per model; columns `name`, `metric`, and its interval in `…_low` and `…_high` where there is one.
            Models without the metric stand below, with a dash.
        metric: The column to be shown.
        title: What it is called.
        name: The column that names the models, such as model or trial.
        higher_is_better: Whether more is better.
        level: Of the intervals, to be told.

    Returns:
        The figure, legible for 40 models; it says so where no model has the metric.
    """
    if table.empty or metric not in table or table[metric].isna().all():
        return panels.create_note(f"{title}: no model has it.")
    ordered = table.sort_values(metric, ascending=not higher_is_better, kind="stable", na_position="last")
    names = [panels.to_plain(model_title(str(one)), longest=44) for one in ordered[name]]
    values = ordered[metric].to_numpy(dtype=float)
    places = np.arange(len(values))
    width = 4.6 + 0.065 * max(len(one) for one in names)
    figure, (axes,) = panels.create_panels(1, columns=1, size=(width, _ROW * len(names) + 0.75))
    handles: dict[str, Any] = {}
    low, high = (
        ordered[f"{metric}_{end}"].to_numpy(dtype=float)
        if f"{metric}_{end}" in ordered
        else np.full(len(values), np.nan)
        for end in ("low", "high")
    )
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        handles[f"{100 * level:g} % interval"] = axes.hlines(
            places[known], low[known], high[known], color=_BLUE, linewidth=2.4, alpha=0.55
        )
    shown = np.isfinite(values)
    (handles["all test images"],) = axes.plot(values[shown], places[shown], "o", color=_BLUE, markersize=5)
    axes.axvline(values[0], color=panels.GREY, linestyle=":", linewidth=1.0, zorder=1)
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    panels.style_axes(axes, title=panels.to_plain(title), x="", y="")
    axes.tick_params(axis="y", length=0)
    for place, value in zip(places, values, strict=True):
        text = "–" if np.isnan(value) else f"{value:.4f}" if higher_is_better else f"{value:.2f}"
        axes.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=panels.SMALL,
                      color=panels.DARK, annotation_clip=False)  # fmt: skip
    panels.add_legend(figure, handles)
    return figure
