"""Losses over epochs of many trainings: one panel for a few, small multiples for a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from cell_pipelines.model_titles import model_title
from cell_pipelines.report.figures import panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Side = Literal["train", "val"]
_TITLES: Final[Mapping[str, str]] = {"train": "Training loss", "val": "Validation loss"}
_OTHERS: Final[dict[str, Any]] = {"color": "#cdd4db", "linewidth": 0.7, "zorder": 1}
_ONE_PANEL: Final = 12
_WIDE: Final = 30.0  # largest over smallest loss, from which on the axis is logarithmic
_COLUMNS: Final = 4


def total_loss(history: pd.DataFrame, side: Side) -> pd.Series[float]:
    """Return a training's loss an epoch, the sum where it has several parts, as a detector's; nan without any.

    Args:
        history: One row per epoch; columns `train_loss` and `val_loss`, or parts of them as `train_…_loss`.
        side: ``train`` or ``val``.
    """
    whole = f"{side}_loss"
    parts = [column for column in history if str(column).startswith(f"{side}_") and str(column).endswith("_loss")]
    chosen = [whole] if whole in history else parts
    # Without parts the sum is 0, which no loss is.
    found: pd.Series[float] = history[chosen].astype(float).sum(axis=1, min_count=max(len(chosen), 1))
    return found


def plot_losses(
    histories: Mapping[str, pd.DataFrame], side: Side, *, panel: Mapping[str, str] | None = None,
    line: Mapping[str, str] | None = None,
) -> Figure:  # fmt: skip
    """Plot the training or the validation loss of several trainings over epochs.

    Args:
        histories: For each trial one row per epoch, with `epoch` and losses as in `total_loss`.
        side: ``train`` or ``val``.
        panel: For each trial which panel it belongs to, such as its architecture; None for one panel of all.
        line: For each trial what its line is called, such as its encoder; None for its name.

    Returns:
        The figure: one panel per value of `panel`, with the lines of all others pale behind; one panel where each would
        hold one line only and there are no more than twelve. All panels share their axes. Trials without a loss are
        named in the heading.
    """
    losses = {name: (table["epoch"], total_loss(table, side)) for name, table in histories.items() if len(table)}
    known = {name: pair for name, pair in losses.items() if pair[1].notna().any()}
    if not known:
        return panels.create_note(f"{_TITLES[side]}: no trial has written one down.")
    places = {name: str((panel or {}).get(name, "")) for name in known}
    lines = {name: model_title(str((line or {}).get(name, name))) for name in known}
    titles = list(dict.fromkeys(places.values()))
    if len(titles) == len(known) and len(known) <= _ONE_PANEL:
        lines = {name: model_title(places[name]) or lines[name] for name in known}
        places, titles = dict.fromkeys(known, ""), [""]
    size = (6.4, 3.6) if len(titles) == 1 else (2.5, 1.95)
    figure, all_axes = panels.create_panels(len(titles), columns=_COLUMNS, size=size)
    styles = {label: panels.line_style(place) for place, label in enumerate(dict.fromkeys(lines.values()))}
    handles: dict[str, Any] = {}
    for axes, title in zip(all_axes, titles, strict=True):
        handles |= _draw(axes, known, [name for name in known if places[name] == title], lines, styles)
        panels.style_axes(axes, title=panels.to_plain(model_title(title), longest=30), x="epoch", y="loss")
    _share(all_axes, known)
    lacking = [model_title(name) for name in histories if name not in known]
    said = f"; none of {', '.join(lacking)}" if lacking else ""
    panels.add_heading(figure, panels.to_plain(f"{_TITLES[side]}, {panels.count_of(len(known), 'training')}{said}"))
    panels.add_legend(figure, handles)
    return figure


def _draw(
    axes: Axes, known: Mapping[str, tuple[Any, Any]], own: Sequence[str], lines: Mapping[str, str],
    styles: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    for name in known:
        if name not in own:
            axes.plot(*known[name], **_OTHERS)
    handles: dict[str, Any] = {}
    for name in own:
        marker = "o" if len(known[name][0]) == 1 else ""
        (handles[lines[name]],) = axes.plot(*known[name], marker=marker, markersize=4, **styles[lines[name]])
    return handles


def _share(all_axes: Sequence[Axes], known: Mapping[str, tuple[Any, Any]]) -> None:
    """Give all panels the same axes; a logarithmic one where losses lie far apart."""
    from matplotlib.ticker import MaxNLocator

    values = np.concatenate([losses.to_numpy(dtype=float) for _, losses in known.values()])
    values = values[np.isfinite(values)]
    epochs = np.concatenate([epochs.to_numpy(dtype=float) for epochs, _ in known.values()])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    is_log = low > 0 and high / low > _WIDE
    for axes in all_axes:
        axes.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        if is_log:
            axes.set_yscale("log")
            axes.set_ylim(low / 1.2, high * 1.2)
        else:
            margin = 0.05 * (high - low) or 0.05
            axes.set_ylim(min(0.0, low) if low < 0.3 * high else low - margin, high + margin)
