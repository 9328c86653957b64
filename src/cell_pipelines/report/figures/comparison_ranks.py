"""Draw critical differences: average ranks of models, and which do not differ significantly (Demšar 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cell_pipelines.metrics.choices import title_of
from cell_pipelines.model_titles import model_title
from cell_pipelines.report.figures import panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LONG: Final = 4.0  # inches of the axis, as are all heights here
_LETTER: Final = 0.082  # inches, and a little more than most letters take
_AXIS: Final = 1.12
_BAR: Final = 0.1
_ROW: Final = 0.21
_NARROWEST: Final = 1.75  # margin for what stands beside the critical difference
_LONGEST: Final = 40  # letters of a name
_TICKS: Final = 10


def plot_critical_difference(ranks: pd.DataFrame, title: str, *, unit: str = "image") -> Figure:
    """Plot the average ranks of models in one metric; bars join those that do not differ significantly.

    Args:
        ranks: One row per model, the best first; columns `model`, `average_rank`, `units_ranked`, `friedman_p`,
            `critical_difference`, and `cliques` with numbers joined by ``+``. Models without a rank are named above.
        title: What the metric is called.
        unit: What was ranked in, ``image`` or ``group``.

    Returns:
        The figure; it says so where fewer than two models have a rank.
    """
    from matplotlib.figure import Figure

    known = ranks[ranks["average_rank"].notna()]
    if len(known) < 2:
        return panels.create_note(f"{title}: fewer than two models have it, so there are no ranks.")
    cliques = _cliques(known)
    rows = -(-len(known) // 2)
    top = _AXIS + 0.16 + _BAR * len(cliques)
    height = top + _ROW * rows + 0.12
    longest = min(_LONGEST, max(len(str(name)) for name in known["model"]))
    margin = max(_NARROWEST, _LETTER * (longest + 7) + 0.3)
    figure = Figure(figsize=(_LONG + 2 * margin, height), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    last = len(known)
    pad = (last - 1) * margin / _LONG
    axes.set(xlim=(1 - pad, last + pad), ylim=(height, 0))
    _head(axes, ranks, known, title, unit)
    _scale(axes, last, float(known["critical_difference"].iloc[0]))
    for place, (low, high) in enumerate(cliques):
        y = _AXIS + 0.12 + _BAR * place
        nudge = 0.006 * (last - 1)
        axes.plot([low - nudge, high + nudge], [y, y], color=panels.DARK, linewidth=3.2, solid_capstyle="butt")
    _names(axes, known, top)
    return figure


def _cliques(known: pd.DataFrame) -> list[tuple[float, float]]:
    """Return the lowest and the highest rank of each group of models."""
    members: dict[str, list[float]] = {}
    for text, rank in zip(known["cliques"], known["average_rank"], strict=True):
        for number in filter(None, str(text).split("+") if isinstance(text, str) else []):
            members.setdefault(number, []).append(float(rank))
    return [(min(found), max(found)) for _, found in sorted(members.items(), key=lambda pair: int(pair[0]))]


def _head(axes: Axes, ranks: pd.DataFrame, known: pd.DataFrame, title: str, unit: str) -> None:
    left = axes.get_xlim()[0]
    step = (axes.get_xlim()[1] - left) * 0.012
    first = known.iloc[0]
    p = "p < 0.001" if first["friedman_p"] < 0.001 else f"p = {first['friedman_p']:.3f}"
    text = f"{title}: average rank over {panels.count_of(int(first['units_ranked']), unit)}, 1 is best; Friedman {p}"
    axes.text(left + step, 0.2, panels.to_plain(text), fontsize=panels.NORMAL, color=panels.DARK, va="center")
    lacking = [model_title(str(name)) for name in ranks["model"][ranks["average_rank"].isna()]]
    if lacking:
        said = f"without this metric: {', '.join(lacking)}"
        axes.text(left + step, 0.42, panels.to_plain(said, longest=100), fontsize=panels.SMALL, color=panels.GREY,
                  va="center")  # fmt: skip


def _scale(axes: Axes, last: int, distance: float) -> None:
    """Draw the axis of ranks, and above it how far apart two ranks must be."""
    axes.plot([1, last], [_AXIS, _AXIS], color=panels.DARK, linewidth=1.2)
    for tick in np.unique(np.linspace(1, last, min(last, _TICKS)).round().astype(int)):
        axes.plot([tick, tick], [_AXIS - 0.06, _AXIS], color=panels.DARK, linewidth=1.2)
        axes.text(tick, _AXIS - 0.16, str(tick), fontsize=panels.SMALL, color=panels.DARK, ha="center", va="center")
    y = 0.68
    # Where few images tell little, the distance may be longer than the axis.
    end = min(1 + distance, axes.get_xlim()[1])
    axes.plot([1, end], [y, y], color=panels.GREY, linewidth=1.4)
    for place in (1.0, end):
        axes.plot([place, place], [y - 0.05, y + 0.05], color=panels.GREY, linewidth=1.4)
    left = 1 - 0.02 * (last - 1)
    text = f"critical difference {distance:.2f}"
    axes.text(left, y, text, fontsize=panels.SMALL, color=panels.GREY, ha="right", va="center")


def _names(axes: Axes, known: pd.DataFrame, top: float) -> None:
    """Write the better half at the left from the top down, the other at the right from the bottom up."""
    last, half = len(known), -(-len(known) // 2)
    edge = 0.06 * (last - 1)
    for place, row in enumerate(known.itertuples()):
        is_left = place < half
        depth = place if is_left else last - 1 - place
        y = top + _ROW * (depth + 0.5)
        x = 1 - edge if is_left else last + edge
        rank = float(row.average_rank)  # type: ignore[arg-type]
        axes.plot([rank, rank, x], [_AXIS, y, y], color=panels.GREY, linewidth=0.9, zorder=1)
        name = panels.to_plain(model_title(str(row.model)), longest=_LONGEST)
        text = f"{name}  {rank:.2f} " if is_left else f" {rank:.2f}  {name}"
        axes.text(x, y, text, fontsize=panels.SMALL, color=panels.DARK, ha="right" if is_left else "left", va="center")


def rank_figures(ranks: pd.DataFrame, *, unit: str = "image") -> dict[str, Figure]:
    """Plot each metric of a table of ranks by its own; see `plot_critical_difference`.

    Args:
        ranks: The same with a column `metric`.
        unit: What was ranked in.
    """
    shown: Sequence[str] = [str(metric) for metric in ranks["metric"].drop_duplicates()]
    return {
        metric: plot_critical_difference(ranks[ranks["metric"] == metric], title_of(metric), unit=unit)
        for metric in shown
    }
