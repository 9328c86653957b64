"""The confusion matrix: which class is taken for which, what is missed, and what is seen where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_BLUE: Final = to_hex(category_colour(5))
_INK_TURNS: Final = 0.55  # share of a class from which on its colour is dark
_WITH_NUMBERS: Final = 16  # classes, beyond which numbers would not fit


def plot_confusions(confusions: pd.DataFrame) -> Figure:
    """Plot how many cells of each class were taken for which; colours are shares of a true class.

    Args:
        confusions: One row per pair of classes with `true`, `predicted` and `cells`, as `analysis.error_kinds` gives
            them.

    Returns:
        The figure: one row per true class and one of predictions that stand alone, one column per predicted class and
        one of missed cells. Without a cell it says so.
    """
    from matplotlib.colors import LinearSegmentedColormap

    if confusions.empty or not confusions["cells"].sum():
        return panels.create_note("There is neither a cell nor a prediction with an extent to compare.")
    rows, columns = (list(dict.fromkeys(confusions[side])) for side in ("true", "predicted"))
    wide = confusions.pivot(index="true", columns="predicted", values="cells").reindex(index=rows, columns=columns)
    table = wide.to_numpy(dtype=float)
    totals = np.nansum(table, axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
    shares[-1] = np.where(np.isnan(table[-1]), np.nan, 0.0)  # of what is not there, no share is good or bad
    side = max(2.4, 0.62 * len(rows))
    figure, (axes,) = panels.create_panels(1, columns=1, size=(side + 1.6, side))
    colours = LinearSegmentedColormap.from_list("share", ["white", _BLUE])
    axes.imshow(np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1, aspect="equal")
    for (row, column), cells in np.ndenumerate(table):
        if np.isfinite(cells) and len(rows) <= _WITH_NUMBERS:
            ink = "white" if shares[row, column] > _INK_TURNS else panels.DARK
            axes.text(column, row, f"{cells:,.0f}", ha="center", va="center", fontsize=panels.SMALL, color=ink)
    panels.style_axes(axes, title="Cells; colour: share of the true class", x="predicted", y="true")
    names = [[panels.to_plain(str(name), longest=18) for name in labels] for labels in (columns, rows)]
    axes.set_xticks(range(len(columns)), names[0])
    if max(map(len, names[0])) > 8:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), names[1])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return figure
