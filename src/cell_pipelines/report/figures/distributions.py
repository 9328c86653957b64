"""Figures of how many: counts of cells against the truth, and cells of each category in each split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_SPLIT_COLOURS: Final = (5, 0, 2, 3)  # blue, orange, green, purple: dark enough on white


def plot_counts(table: pd.DataFrame) -> Figure:
    """Plot predicted over true counts, and beside it their differences as Bland and Altman (1986) do.

    Args:
        table: One row per image and category; columns `image`, `category` (names), `true` and `predicted`
            (cells, 0 or more, finite).

    Returns:
        The figure: left every pair of counts with the line of perfect counts; right the difference of the
        pair over its mean, with the mean difference (bias) and the limits of agreement, bias -/+ 1.96 standard
        deviations. These are over all rows together, and are left out where there are fewer than two. Without
        a row, the figure says so.

    Raises:
        ValueError: If a column is missing or a count is negative or not finite.
    """
    true, predicted = _check_counts(table)
    if not true.size:
        return panels.create_note("There are no counts to compare.")
    figure, (left, right) = panels.create_panels(2, columns=2, size=(4.4, 3.7))
    names = table["category"].astype(str).to_numpy()
    handles = _draw_pairs(left, right, true, predicted, names)
    limit = max(true.max(), predicted.max(), 1.0) * 1.06
    (handles["predicted = true"],) = left.plot([0, limit], [0, limit], color=panels.GREY, linewidth=1.2, zorder=1)
    left.set(xlim=(-0.03 * limit, limit), ylim=(-0.03 * limit, limit), aspect="equal")
    panels.style_axes(left, title="Counts", x="true count, cells per image", y="predicted count, cells per image")
    handles |= _draw_agreement(right, predicted - true)
    images, counts = panels.count_of(table["image"].nunique(), "image"), panels.count_of(len(table), "count")
    cells = panels.count_of(round(true.sum()), "true cell")
    panels.add_heading(figure, f"n = {images}, {counts}, {cells}; larger points are several equal counts")
    panels.add_legend(figure, handles)
    return figure


def plot_class_balance(table: pd.DataFrame) -> Figure:
    """Plot how many cells of each category each split holds.

    Args:
        table: Index: categories. Columns: splits. Values: numbers of cells, 0 or more; nan is taken for 0.

    Returns:
        The figure, with a bar for each category and split, and beside it the number and its share of the
        split's cells, or of all where there is one column. Without a category or a split, it says so.
    """
    if table.empty:
        return panels.create_note("There are no cells to count.")
    counts = table.fillna(0).to_numpy(dtype=float)
    n_categories, n_splits = counts.shape
    figure, (axes,) = panels.create_panels(1, columns=1, size=(7.4, max(1.2, 0.24 * n_categories * (n_splits + 0.8))))
    thickness = 0.8 / n_splits
    handles: dict[str, Any] = {}
    for split, (name, values) in enumerate(zip(table.columns, counts.T, strict=True)):
        places = np.arange(n_categories) + (split - (n_splits - 1) / 2) * thickness
        colour = to_hex(category_colour(_SPLIT_COLOURS[split % len(_SPLIT_COLOURS)]))
        bars = axes.barh(places, values, height=thickness * 0.88, color=colour)
        axes.bar_label(bars, _bar_texts(values), padding=3, fontsize=panels.SMALL, color=panels.DARK)
        handles[f"{name}, n = {values.sum():.0f}"] = bars
    panels.style_axes(axes, x=f"cells (share of {'the split' if n_splits > 1 else 'all'})", y="")
    axes.set_yticks(np.arange(n_categories), [panels.to_plain(str(name), longest=40) for name in table.index])
    axes.invert_yaxis()
    axes.set_xlim(0, max(counts.max(), 1) * 1.2)
    axes.grid(visible=False, axis="y")
    panels.add_legend(figure, handles)
    return figure


def _check_counts(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    missing = [c for c in ("image", "category", "true", "predicted") if c not in table]
    if missing:
        raise ValueError(f"`table` must have the columns image, category, true and predicted; {missing} are missing.")
    true, predicted = (table[column].to_numpy(dtype=float) for column in ("true", "predicted"))
    both = np.concatenate([true, predicted])
    if not (np.isfinite(both) & (both >= 0)).all():
        raise ValueError("`table` must hold finite counts of 0 or more; at least one is negative or not finite.")
    return true, predicted


def _draw_pairs(
    left: Axes, right: Axes, true: FloatArray, predicted: FloatArray, names: npt.NDArray[Any]
) -> dict[str, Any]:
    """Draw a point for each distinct pair of counts of a category, larger where several rows share it."""
    handles: dict[str, Any] = {}
    for category, name in enumerate(dict.fromkeys(names)):
        rows = names == name
        pairs, times = np.unique(np.column_stack([true, predicted])[rows], axis=0, return_counts=True)
        look = {**panels.marker_style(category), "alpha": 0.7}
        style = {**look, "s": 24 * np.sqrt(times), "edgecolors": "white", "linewidths": 0.5}
        left.scatter(pairs[:, 0], pairs[:, 1], **style)
        right.scatter(pairs.mean(axis=1), pairs[:, 1] - pairs[:, 0], **style)
        label = f"{name}, n = {np.count_nonzero(rows)}"
        (handles[label],) = left.plot([], [], linestyle="none", markersize=5, **look)
    return handles


def _draw_agreement(axes: Axes, difference: FloatArray) -> dict[str, Any]:
    """Draw bias and limits, tell them in the title, and return what the legend must explain."""
    bias = float(difference.mean())
    axes.axhline(0, color=panels.GREY, linewidth=1.2, zorder=1)
    handles = {"bias": axes.axhline(bias, color=panels.DARK, linewidth=1.4)}
    title = f"Differences: bias {bias:+.2f}"
    if difference.size > 1:
        spread = 1.96 * float(difference.std(ddof=1))
        for limit in (bias - spread, bias + spread):
            handles["limits of agreement"] = axes.axhline(limit, color=panels.DARK, linestyle="--", linewidth=1.2)
        title += f", limits {bias - spread:+.2f} to {bias + spread:+.2f}"
    extent = 1.15 * max(float(np.abs(axes.get_ylim()).max()), 1.0)
    axes.set_ylim(-extent, extent)
    labels = {"x": "mean of both counts, cells per image", "y": "predicted − true, cells per image"}
    panels.style_axes(axes, title=title.replace("-", "−"), **labels)
    return handles


def _bar_texts(values: FloatArray) -> list[str]:
    total = max(values.sum(), 1.0)
    return [f"{value:.0f} ({100 * value / total:.0f} %)" for value in values]
