"""Figures of count errors: how they are spread, image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_BLUE: Final = to_hex(category_colour(5))
_MOST_BARS: Final = 31


def plot_count_errors(table: pd.DataFrame, *, name: str = "category") -> Figure:
    """Plot how count errors are spread: a histogram and a box plot for each class (or model).

    Args:
        table: One row per image and class; columns `name`, `true` and `predicted` (cells, 0 or more).
        name: The column that names the rows of panels, such as category or model.

    Returns:
        The figure: left how many images have which error, predicted - true; right a box from the 25th to the 75th
        percentile with the median, whiskers to the farthest error within 1.5 times the box's height, and a point for
        each error beyond. Without a row it says so.
    """
    if table.empty:
        return panels.create_note("There are no counts to compare.")
    groups = [(str(label), _errors(rows)) for label, rows in table.groupby(name, sort=False)]
    figure, all_axes = panels.create_panels(2 * len(groups), columns=2, size=(3.9, 2.3))
    every = np.concatenate([errors for _, errors in groups])
    reach = max(float(np.abs(every).max()), 1.0)
    for place, (label, errors) in enumerate(groups):
        left, right = all_axes[2 * place : 2 * place + 2]
        _draw_histogram(left, errors, reach)
        _draw_box(right, errors, reach)
        count = panels.count_of(len(errors), "image")
        panels.style_axes(left, title=f"{label[:24]}, n = {count}", x="predicted − true, cells per image", y="images")
        panels.style_axes(right, x="predicted − true, cells per image", y="")
        right.set_yticks([])
        right.set_title(_told(errors), loc="left", fontsize=panels.NORMAL, color=panels.DARK)
    return figure


def _errors(rows: pd.DataFrame) -> FloatArray:
    return np.asarray(rows["predicted"].to_numpy(dtype=float) - rows["true"].to_numpy(dtype=float))


def _draw_histogram(axes: Axes, errors: FloatArray, reach: float) -> None:
    from matplotlib.ticker import MaxNLocator

    width = max(1, int(np.ceil((2 * reach + 1) / _MOST_BARS)))
    half = int(np.ceil((reach + 0.5) / width - 0.5))
    edges = (np.arange(-half, half + 2) - 0.5) * width
    axes.hist(errors, bins=edges.tolist(), color=_BLUE, rwidth=0.9)
    axes.axvline(0, color=panels.GREY, linewidth=1.0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def _draw_box(axes: Axes, errors: FloatArray, reach: float) -> None:
    from matplotlib.ticker import MaxNLocator

    look: dict[str, Any] = {
        "boxprops": {"facecolor": _BLUE, "alpha": 0.55, "edgecolor": panels.GREY},
        "medianprops": {"color": panels.DARK, "linewidth": 2},
        "flierprops": {"marker": "o", "markersize": 3, "markeredgecolor": panels.GREY},
    }
    axes.boxplot([errors], orientation="horizontal", widths=0.5, patch_artist=True, **look)
    axes.axvline(0, color=panels.GREY, linewidth=1.0)
    axes.set_xlim(-1.08 * reach - 0.5, 1.08 * reach + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def _told(errors: FloatArray) -> str:
    return f"mean absolute error {np.abs(errors).mean():.2f}, median {np.median(np.abs(errors)):g}"
