"""Figures of learning: a metric over the number of training images with its fitted curve, and over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.metrics.choices import is_rate
from cell_pipelines.model_titles import model_title
from cell_pipelines.old_names import rename_old_columns
from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Validation metrics of histories: the first four that there are get a panel, ordered as in the paper's figure 3.
EPOCH_METRICS: Final[Mapping[str, str]] = {
    "val_recall": "recall",
    "val_precision": "precision",
    "val_ap50_95": "AP50:95",
    "val_ap50": "AP50",
    "val_mask_ap50_95": "AP50:95 of masks",
    "val_dice": "Dice",
    "val_iou": "IoU",
    "val_loss": "loss",
}
_MOST_PANELS: Final = 4
_COLOURS: Final = (5, 1, 2, 3, 4, 0, 6)  # the darkest blue first
_AHEAD: Final = 4  # times the most images, where the curve ends


def plot_learning_curves(
    trainings: pd.DataFrame, points: pd.DataFrame, names: Mapping[str, str], *, level: float = 0.95
) -> Figure:
    """Plot each metric over the number of training images, logarithmic.

    Args:
        trainings: One row per training: `model`, `images` and one column per metric; nan leaves a training out of its
            panel.
        points: The fitted curves: `model`, `metric`, `images`, `value`, `low`, `high`, `is_extrapolated`; may be empty.
        names: The metrics that get a panel, with what they are called; those that no training has get none.
        level: Of the interval of the curve, to be told.

    Returns:
        The figure: one point per training, a larger one for the mean of a size, the curve with its band, dashed beyond
        the most images. A model without a curve shows points alone. Without a metric it says so.
    """
    shown = [metric for metric in names if metric in trainings and trainings[metric].notna().any()]
    if not shown:
        return panels.create_note("No training has a metric to show.")
    figure, all_axes = panels.create_panels(len(shown), columns=3, size=(3.5, 2.8))
    handles: dict[str, Any] = {}
    models = list(dict.fromkeys(trainings["model"]))
    for axes, metric in zip(all_axes, shown, strict=True):
        for place, model in enumerate(models):
            own = trainings[(trainings["model"] == model) & trainings[metric].notna()]
            line = points[(points["model"] == model) & (points["metric"] == metric)]
            drawn = _draw_curve(axes, own.rename(columns={metric: "value"}), line, (place, level))
            before = f"{model_title(str(model))}: " if len(models) > 1 else ""
            handles |= {f"{before}{name}": artist for name, artist in drawn.items()}
        panels.style_axes(axes, title=names[metric], x="training images", y=names[metric])
        _frame(axes, trainings, points[points["metric"] == metric], metric)
    panels.add_legend(figure, handles)
    return figure


def _draw_curve(axes: Axes, own: pd.DataFrame, line: pd.DataFrame, shown: tuple[int, float]) -> dict[str, Any]:
    place, level = shown
    style = {**panels.marker_style(place), "color": to_hex(category_colour(_COLOURS[place % len(_COLOURS)]))}
    colour = style["color"]
    handles: dict[str, Any] = {}
    handles["one training"] = axes.scatter(own["images"], own["value"], s=14, alpha=0.55, linewidths=0, **style)
    means = own.groupby("images")["value"].mean()
    handles["mean of a size"] = axes.scatter(
        means.index, means, s=44, facecolors="none", edgecolors=colour, marker=style["marker"], linewidths=1.4
    )
    if line.empty:
        return handles
    ordered = line.sort_values("images", kind="stable")
    seen = ordered[~ordered["is_extrapolated"]]
    ahead = pd.concat([seen.tail(1), ordered[ordered["is_extrapolated"]]])
    (handles["average of fitted laws"],) = axes.plot(seen["images"], seen["value"], color=colour, linewidth=1.8)
    (handles["beyond the data"],) = axes.plot(ahead["images"], ahead["value"], color=colour, linewidth=1.5, ls="--")
    handles[f"{100 * level:g} % interval of the curve"] = axes.fill_between(
        ordered["images"].to_numpy(), ordered["low"].to_numpy(), ordered["high"].to_numpy(), color=colour, alpha=0.16,
        linewidth=0,
    )  # fmt: skip
    return handles


def _frame(axes: Axes, trainings: pd.DataFrame, points: pd.DataFrame, metric: str) -> None:
    """Show all trainings and the curve, but not all of a band that knows no bounds."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

    axes.set_xscale("log")
    sizes = np.unique(trainings.loc[trainings[metric].notna(), "images"])
    if 1 < len(sizes) <= 7:
        axes.set_xticks([*sizes, *([_AHEAD * sizes.max()] if len(points) else [])])
    else:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    values = np.concatenate([trainings[metric].dropna().to_numpy(), points["value"].to_numpy()])
    low, high = float(values.min()), float(values.max())
    margin = 0.35 * max(high - low, 0.02)
    is_share = high <= 1 and is_rate(metric)
    axes.set_ylim(max(0.0, low - margin), min(1.005, high + margin) if is_share else high + margin)


def plot_epochs(histories: pd.DataFrame, names: Mapping[str, str] = EPOCH_METRICS) -> Figure:
    """Plot validation metrics over epochs, logarithmic, one line per size, smoothed, with the raw values faint behind.

    Args:
        histories: One row per training and epoch: `trial`, `model`, `images`, `epoch`, and for each metric its column
            and the smoothed one, ``…_smooth``.
        names: The columns that may have a panel; the first four that hold numbers get one.

    Returns:
        The figure, a row of panels a model, as figure 3 of the live/dead paper. Of several seeds the line is the mean
        as far as all of them went. Without an epoch it says so.
    """
    histories = rename_old_columns(histories)
    shown = [name for name in names if name in histories and histories[name].notna().any()][:_MOST_PANELS]
    if not shown:
        return panels.create_note("There is no history of epochs to show.")
    models = list(dict.fromkeys(histories["model"]))
    figure, all_axes = panels.create_panels(len(models) * len(shown), columns=len(shown), size=(3.3, 2.7))
    sizes = sorted(histories["images"].dropna().unique())
    colours = _colours(len(sizes))
    handles: dict[str, Any] = {}
    for place, axes in enumerate(all_axes):
        model, metric = models[place // len(shown)], shown[place % len(shown)]
        own = histories[histories["model"] == model]
        for size, colour in zip(sizes, colours, strict=True):
            line = _draw_size(axes, own[own["images"] == size], metric, colour)
            handles |= {} if line is None else {f"{panels.count_of(int(size), 'image')}": line}
        axes.set_xscale("log")
        title = f"{model_title(str(model))}: {names[metric]}" if len(models) > 1 else names[metric]
        panels.style_axes(axes, title=title, x="epoch", y="on validation images")
        _plain_epochs(axes, int(histories["epoch"].max()))
    panels.add_legend(figure, handles)
    return figure


def _draw_size(axes: Axes, rows: pd.DataFrame, metric: str, colour: Any) -> Any:
    rows = rows[rows[metric].notna()]
    if rows.empty:
        return None
    for _, own in rows.groupby("trial", sort=False):
        axes.plot(own["epoch"], own[metric], color=colour, alpha=0.22, linewidth=0.8)
    seeds = rows.groupby("epoch")[f"{metric}_smooth"].agg(["mean", "count"])
    reached = seeds[seeds["count"] == rows["trial"].nunique()]
    (line,) = axes.plot(reached.index, reached["mean"], color=colour, linewidth=1.8)
    return line


def _colours(count: int) -> Sequence[Any]:
    """Return colours from light to dark, since sizes have an order; distinct in grey, too."""
    from matplotlib import colormaps

    return [colormaps["viridis_r"](share) for share in np.linspace(0.12, 1.0, max(count, 1))][:count]


def _plain_epochs(axes: Axes, last: int) -> None:
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    axes.set_xticks([e for e in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if e <= max(last, 1)])
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
