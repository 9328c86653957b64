"""Figures of curves: training over epochs, precision over recall.

The figures of counts, `plot_counts` and `plot_class_balance`, lie in `distributions.py` and can be taken from
here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.figures.distributions import plot_class_balance, plot_counts
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "plot_class_balance", "plot_counts", "plot_precision_recall", "plot_training_history",
]  # fmt: skip

Style: TypeAlias = dict[str, Any]


_TRAIN: Final[Style] = {"color": to_hex(category_colour(1)), "linestyle": "--", "linewidth": 1.6}
_VALIDATION: Final[Style] = {"color": to_hex(category_colour(4)), "linestyle": "-", "linewidth": 1.6}
_METRICS: Final = {
    "val_precision": "precision",
    "val_recall": "recall",
    "val_ap50": "AP at IoU 0.5",
    "val_ap50_95": "AP at IoU 0.5 to 0.95",
    "val_mask_precision": "precision, masks",
    "val_mask_recall": "recall, masks",
    "val_mask_ap50": "AP at IoU 0.5, masks",
    "val_mask_ap50_95": "AP at IoU 0.5 to 0.95, masks",
    "val_iou": "IoU of pixels",
    "val_dice": "Dice of pixels",
    "waiting_share": "waiting for data",
}


def plot_training_history(history: pd.DataFrame, *, best_by: str | None = None) -> Figure:
    """Plot losses, learning rate and validation metrics over epochs, a small panel each.

    Args:
        history: One row per epoch that was validated. Columns: `epoch`, and any of `train_…_loss`, `val_…_loss`,
            `learning_rate`, `val_precision`, `val_recall`, `val_ap50`, `val_ap50_95` and the same as `val_mask_…`,
            `val_iou`, `val_dice`, `waiting_share`;
            `train_loss` and `val_loss` are losses, too; other columns are not shown. Values that are nan leave a
            gap.

        best_by: The column that the best epoch was chosen by, the lowest of a loss and the highest of others.
            None, or one that is not there: the highest `val_ap50_95`, else `val_ap50`, else the lowest summed
            validation loss.

    Returns:
        The figure. The best epoch is marked in every panel. Without an epoch it says so.
    """
    contents = _history_contents([str(column) for column in history.columns])
    if history.empty or not contents or "epoch" not in history:
        return panels.create_note("No epoch of training is recorded.")
    figure, all_axes = panels.create_panels(len(contents), columns=4, size=(2.4, 1.95))
    best, reason = _best_epoch(history, best_by)
    handles: dict[str, Any] = {}
    for axes, (title, unit, columns) in zip(all_axes, contents, strict=True):
        handles |= _draw_history(axes, history, columns, best)
        panels.style_axes(axes, title=title, x="epoch", y=unit)
        _frame_history(axes, unit, len(history))
    last = int(history["epoch"].max())
    epochs = f"n = {panels.count_of(len(history), 'epoch')}" + (f" of {last}" if last > len(history) else "")
    panels.add_heading(
        figure, epochs if best is None else f"{epochs}; best epoch {history['epoch'].iloc[best]:g}: {reason}"
    )
    panels.add_legend(figure, handles)
    return figure


def plot_precision_recall(curves: Mapping[str, tuple[FloatArray, FloatArray]], ap: Mapping[str, float]) -> Figure:
    """Plot precision over recall, one line per category, with the average precision beside it.

    Args:
        curves: For each category recall and precision, each (K,) float in [0, 1], by rising recall; nan
            leaves a gap. K may be 0.
        ap: Average precision of each category, nan where it is not defined. A name without a curve, such as
            the mean over all categories, is listed without a line.

    Returns:
        The figure; n is the number of categories.
    """
    figure, (axes,) = panels.create_panels(1, columns=1, size=(6.6, 3.9))
    handles: dict[str, Any] = {}
    for category, (name, (recall, precision)) in enumerate(curves.items()):
        (line,) = axes.plot(recall, precision, **panels.line_style(category))
        handles[_ap_label(name, ap.get(name))] = line
    for name in [name for name in ap if name not in curves]:
        (handles[_ap_label(name, ap[name])],) = axes.plot([], [], linestyle="none")
    panels.style_axes(axes, x="recall (share of cells found)", y="precision (share of predictions right)")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    panels.add_heading(figure, f"n = {panels.count_of(len(curves), 'category', 'categories')}")
    panels.add_legend(figure, handles, place="right upper")
    return figure


def _history_contents(columns: list[str]) -> list[tuple[str, str, list[str]]]:
    """Return title, unit and columns of each panel."""
    stems = [c.split("_", 1)[1] for c in columns if c.startswith(("train_", "val_")) and c.endswith("_loss")]
    contents = [
        (stem.replace("_", " "), "loss", [c for c in (f"train_{stem}", f"val_{stem}") if c in columns])
        for stem in dict.fromkeys(stems)
    ]
    if "learning_rate" in columns:
        contents.append(("learning rate", "step size", ["learning_rate"]))
    return contents + [(title, "0 to 1", [c]) for c, title in _METRICS.items() if c in columns]


def _best_epoch(history: pd.DataFrame, best_by: str | None) -> tuple[int | None, str]:
    """Return the row of the best epoch and why it is; no row where nothing tells."""
    chosen = [best_by] if best_by in _METRICS else []
    for column in (*chosen, "val_ap50_95", "val_ap50"):
        if column in history and history[column].notna().any():
            row = int(np.nanargmax(history[column].to_numpy(dtype=float)))
            return row, f"highest {_METRICS[column]}, {history[column].iloc[row]:.3f}"
    losses = [c for c in history if str(c).startswith("val_") and str(c).endswith("_loss")]
    total = history[losses].sum(axis=1, skipna=False).to_numpy(dtype=float)
    if not losses or np.isnan(total).all():
        return None, ""
    row = int(np.nanargmin(total))
    return row, f"lowest validation loss, {total[row]:.3f}"


def _draw_history(axes: Axes, history: pd.DataFrame, columns: list[str], best: int | None) -> dict[str, Any]:
    handles: dict[str, Any] = {}
    epoch = history["epoch"].to_numpy(dtype=float)
    marker = "o" if len(history) < 3 else ""
    for column in columns:
        label, style = ("validation", _VALIDATION) if column.startswith("val_") else ("training", _TRAIN)
        values = history[column].to_numpy(dtype=float)
        (handles[label],) = axes.plot(epoch, values, marker=marker, markersize=4, **style)
        if best is not None:
            axes.plot(epoch[best], values[best], "o", color=style["color"], markersize=5, markeredgecolor="white")
    if best is not None:
        handles["best epoch"] = axes.axvline(epoch[best], color=panels.GREY, linestyle=":", linewidth=1.2, zorder=1)
    return handles


def _frame_history(axes: Axes, unit: str, epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter("{x:g}")
    if unit == "0 to 1":
        axes.set_ylim(-0.03, 1.03)
    if epochs == 1:
        axes.margins(x=0.5)


def _ap_label(name: str, value: float | None) -> str:
    if value is None:
        return name
    return f"{name[:40]}: AP not defined" if np.isnan(value) else f"{name[:40]}: AP {value:.3f}"
