"""Figures of the choice of a threshold: what each would give, and which was taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.thresholds import OLD_COLUMNS
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cell_pipelines.thresholds import Threshold


_RATES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "precision": ("precision", {"color": to_hex(category_colour(1)), "linestyle": "--", "linewidth": 1.5}),
    "recall": ("recall", {"color": to_hex(category_colour(2)), "linestyle": "-.", "linewidth": 1.5}),
    "f1": ("F1", {"color": to_hex(category_colour(4)), "linestyle": "-", "linewidth": 2.2}),
}
_ERRORS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "count_mae": ("mean absolute count error", {"color": to_hex(category_colour(5)), "linewidth": 2.2}),
    "count_bias": ("mean count error", {"color": to_hex(category_colour(3)), "linestyle": "--", "linewidth": 1.5}),
}
_OTHERS: Final[dict[str, Any]] = {"color": "#b6bec7", "linewidth": 0.9, "marker": ".", "markersize": 4, "zorder": 1}
_GOOD_LABEL: Final = "within one standard error of the best"
_GOOD_COLOUR: Final = "#eef3f8"
_OTHERS_LABEL: Final = "other sizes: F1, absolute error"
_OBJECTIVES: Final = {
    "f1_centroid": "F1 by centroids", "f1_iou": "F1 by overlap",
    "count_mae": "mean absolute count error", "count_bias": "distance of the mean count error from 0",
}  # fmt: skip


def plot_threshold_sweep(table: pd.DataFrame, chosen: Mapping[str, Threshold], *, objective: str = "") -> Figure:
    """Plot precision, recall and F1, and beside them the count errors, over the threshold, one row per category.

    Args:
        table: One row per category and threshold; columns `category`, `threshold`, `min_area_px`,
            `min_distance_px`, `precision`, `recall`, `f1`, `count_mae`, `count_bias`, and `equally_good`, whose span is
            shaded, where the table has it. Values that are nan leave a gap.
        chosen: The decoding of each category. The curves are those of its least area and spacing; F1 and the absolute
            count error of the others are thin and grey. A category without one is drawn, but not marked.
        objective: What was optimised, as in the configuration; told in the heading.

    Returns:
        The figure; it says so where there is nothing to plot.
    """
    if table.empty:
        return panels.create_note("No threshold was tried.")
    table = table.rename(columns=OLD_COLUMNS)
    names = [str(name) for name in table["category"].drop_duplicates()]
    figure, all_axes = panels.create_panels(2 * len(names), columns=2, size=(3.9, 2.6))
    handles: dict[str, Any] = {}
    for place, name in enumerate(names):
        rows, best = table[table["category"].astype(str) == name], chosen.get(name)
        mine = _group_of(rows, best)
        for axes, lines in zip(all_axes[2 * place : 2 * place + 2], (_RATES, _ERRORS), strict=True):
            handles |= _draw(axes, rows, mine, lines, best)
        _style(all_axes[2 * place], all_axes[2 * place + 1], f"{name[:24]}{_told(best, mine)}")
        _limit(
            all_axes[2 * place + 1], mine["count_mae"].to_numpy(dtype=float), mine["count_bias"].to_numpy(dtype=float)
        )
    if objective:
        panels.add_heading(figure, f"Objective: {_OBJECTIVES.get(objective, objective)}")
    ordered = [label for label in handles if label != _OTHERS_LABEL] + [_OTHERS_LABEL]
    panels.add_legend(figure, {label: handles[label] for label in ordered if label in handles})
    return figure


def _group_of(rows: pd.DataFrame, best: Threshold | None) -> pd.DataFrame:
    """Return the rows of the chosen sizes, else of the first ones, by rising threshold."""
    sizes = rows[["min_area_px", "min_distance_px"]].fillna(0.0).to_numpy(dtype=float)
    wanted = sizes[0] if best is None else np.array([best.min_area_px, best.min_distance_px])
    kept = np.isclose(sizes, wanted).all(axis=1)
    # What was chosen by hand lies on no curve; then any is better than none.
    kept = kept if kept.any() else np.isclose(sizes, sizes[0]).all(axis=1)
    mine: pd.DataFrame = rows[kept].sort_values("threshold", kind="stable")
    return mine


def _draw(
    axes: Axes, rows: pd.DataFrame, mine: pd.DataFrame, lines: Mapping[str, tuple[str, dict[str, Any]]],
    best: Threshold | None,
) -> dict[str, Any]:  # fmt: skip
    handles: dict[str, Any] = {}
    marker = "o" if len(mine) == 1 else ""
    # Tables of earlier versions don't say it.
    good = mine.loc[mine["equally_good"].astype(bool), "threshold"] if "equally_good" in mine else mine["threshold"][:0]
    if len(good) > 1:
        handles[_GOOD_LABEL] = axes.axvspan(good.min(), good.max(), color=_GOOD_COLOUR, zorder=0)
    for column, (label, style) in lines.items():
        if column in ("f1", "count_mae"):
            handles |= _draw_others(axes, rows, mine, column)
        (handles[label],) = axes.plot(mine["threshold"], mine[column], marker=marker, markersize=4, **style)
    if best is not None:
        handles["chosen"] = axes.axvline(best.score, color=panels.DARK, linestyle=":", linewidth=1.3)
        column = "f1" if "f1" in lines else "count_mae"
        row = mine.iloc[int(np.argmin(np.abs(mine["threshold"].to_numpy(dtype=float) - best.score)))]
        axes.plot(
            row["threshold"], row[column], "o", color=panels.DARK, markersize=5, markeredgecolor="white", zorder=3
        )
    return handles


def _draw_others(axes: Axes, rows: pd.DataFrame, mine: pd.DataFrame, column: str) -> dict[str, Any]:
    handles: dict[str, Any] = {}
    others = rows.drop(index=mine.index)
    for _, group in others.groupby(["min_area_px", "min_distance_px"], dropna=False):
        ordered = group.sort_values("threshold", kind="stable")
        (handles[_OTHERS_LABEL],) = axes.plot(ordered["threshold"], ordered[column], **_OTHERS)
    return handles


def _style(left: Axes, right: Axes, title: str) -> None:
    panels.style_axes(left, title=title, x="threshold, 0 to 1", y="0 to 1")
    panels.style_axes(right, x="threshold, 0 to 1", y="cells per image")
    left.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    right.set_xlim(-0.02, 1.02)
    right.axhline(0, color=panels.GREY, linewidth=0.8, zorder=1)


def _limit(axes: Axes, absolute: FloatArray, mean: FloatArray) -> None:
    """Show the errors of most thresholds well; those of the lowest, where noise is counted, may leave the panel."""
    known = absolute[np.isfinite(absolute)]
    if known.size:
        top = min(float(known.max()), max(4 * float(np.median(known)), 1.0))
        bottom = min(0.0, max(float(np.nanmin(mean)), -top))
        axes.set_ylim(bottom - 0.06 * (top - bottom) - 0.05, top * 1.06 + 0.05)


def _told(best: Threshold | None, mine: pd.DataFrame) -> str:
    if best is None:
        return ""
    sizes = [(best.min_area_px, "px² or more"), (best.min_distance_px, "px apart")]
    told = [f"threshold {best.score:.3g}", *(f"{value:.3g} {unit}" for value, unit in sizes if value)]
    row = mine.iloc[int(np.argmin(np.abs(mine["threshold"].to_numpy(dtype=float) - best.score)))]
    return f": {', '.join(told)}\nF1 {row['f1']:.3f}, count error {row['count_mae']:.3g} cells per image"
