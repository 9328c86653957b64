"""Figures of many dose-response curves: one small panel per compound, on common axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Compounds that are drawn; the tables have all.
MOST_COMPOUNDS: Final = 48
_COLUMNS: Final = 6
_BLUE: Final = to_hex(category_colour(5))
_MARGIN: Final = 0.08  # of the range of values


def plot_compound_curves(
    wells: pd.DataFrame, doses: pd.DataFrame, curves: pd.DataFrame, *, column: str, label: str
) -> Figure:
    """Plot the wells and the curve of each compound.

    Args:
        wells: One row per well: `role`, `compound`, `concentration`, and the column that is drawn.
        doses: One row per compound: `compound`, `ec50`, `ec50_low`, `ec50_high`.
        curves: Points of the curves: `compound`, `dose`, `response_percent`, `low_percent`, `high_percent`.
        column: Column of the wells, in the unit of the curves.
        label: What it is.

    Returns:
        The figure with a panel for each of the first 48 compounds: wells as points, the curve with its 95 % interval,
        and EC50 with its own as a dashed line in a band.
    """
    if doses.empty:
        return panels.create_note("No compound has two or more concentrations.")
    names = list(doses["compound"])[:MOST_COMPOUNDS]
    tested = wells[(wells["role"] == "sample") & (wells["concentration"] > 0) & wells["compound"].isin(names)]
    figure, axes = panels.create_panels(len(names), columns=_COLUMNS, size=(1.75, 1.45))
    low, high = (float(end) for end in np.nanpercentile(tested[column].to_numpy(dtype=np.float64), [0, 100]))
    margin = _MARGIN * max(high - low, 1.0)
    ends = (tested["concentration"].min() / 1.5, tested["concentration"].max() * 1.5)
    handles: dict[str, Any] = {}
    for place, (one, row) in enumerate(zip(axes, doses.to_dict("records"), strict=False)):
        own = tested[tested["compound"] == row["compound"]]
        handles |= _draw_compound(one, own, curves[curves["compound"] == row["compound"]], row, column)
        title = panels.to_plain(str(row["compound"]), longest=20)
        panels.style_axes(one, title=title, x="", y=label if place % _COLUMNS == 0 else "")
        one.set(xscale="log", xlim=ends, ylim=(low - margin, high + margin))
        one.tick_params(labelsize=6.5, labelleft=place % _COLUMNS == 0, labelbottom=place >= len(names) - _COLUMNS)
        one.minorticks_off()
        one.title.set_fontsize(panels.SMALL)
    panels.add_legend(figure, handles)
    return figure


def _draw_compound(
    axes: Axes, wells: pd.DataFrame, curve: pd.DataFrame, row: dict[Any, Any], column: str
) -> dict[str, Any]:
    handles: dict[str, Any] = {}
    look: dict[str, Any] = {"marker": "o", "markersize": 3.0, "linestyle": "none", "color": panels.GREY, "alpha": 0.8}
    handles["well"] = axes.plot(wells["concentration"].to_numpy(), wells[column].to_numpy(), **look)[0]
    drawn = curve[curve["dose"] > 0]
    if len(drawn):
        x, y, low, high = (
            drawn[name].to_numpy() for name in ("dose", "response_percent", "low_percent", "high_percent")
        )
        handles["95 % interval of the curve"] = axes.fill_between(x, low, high, color=_BLUE, alpha=0.18, linewidth=0)
        handles["fitted curve"] = axes.plot(x, y, color=_BLUE, linewidth=1.5)[0]
    if np.isfinite(row["ec50"]):
        line: dict[str, Any] = {"color": panels.DARK, "linestyle": "--", "linewidth": 1.0}
        handles["EC50 with its 95 % interval"] = axes.axvline(row["ec50"], **line)
        if np.isfinite([row["ec50_low"], row["ec50_high"]]).all():
            axes.axvspan(row["ec50_low"], row["ec50_high"], color=panels.DARK, alpha=0.08, linewidth=0)
    return handles
