"""Figures of measured cells: how their features lie in each method or condition, as boxes and as histograms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.page.tables import plural
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_UNITS: Final = {"um2": "µm²", "px2": "px²", "um": "µm", "px": "px"}
_STARS: Final = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_COLOURS: Final = (5, 3, 2, 1, 0, 4, 6)
_MOST_POINTS: Final = 200  # beyond the whiskers of a box; more would only be a line
_MOST_BRACKETS: Final = 6
_LONGEST: Final = 32


def plot_box_plots(
    table: pd.DataFrame,
    features: Sequence[str],
    group: str,
    *,
    comparison: pd.DataFrame | None = None,
    p: str = "p_images_adjusted",
    unit: str = "image",
) -> Figure:
    """Plot how each feature lies in each group, one panel per feature and one box per group.

    Args:
        table: One row per cell; the columns `features` (numbers; what is not finite is left out and told) and `group`.
        features: Columns to show, such as `analysis.morphology.measuring.paper_features` names them.
        group: Column with the method or condition; rows without one are left out.
        comparison: The table of `analysis.statistics.compare_groups`, to mark which groups differ. Where that makes
            more than 6 marks a panel, none is drawn.
        p: Its column to mark by: over images, which is the default, or `p_adjusted` over cells. Where series are known
            (`p_series_adjusted`), the larger of both marks.
        unit: What stands in the place of an image there, such as sequence.

    Returns:
        The figure: boxes from the 25th to the 75th percentile with the median, whiskers to the farthest cell within
        1.5 times the box's length, and points beyond, of more than 200 a box evenly many from the nearest to the
        farthest. The names tell how many cells each group has. Without a cell or a feature it says so.
    """
    known = table[table[group].notna()] if group in table else table[:0]
    shown = [feature for feature in features if feature in known and np.isfinite(_values(known, feature)).any()]
    if not shown:
        return panels.create_note("There are no measured cells to compare.")
    names = list(known[group].unique())
    groups = [known[known[group] == name] for name in names]
    columns = min(3 if len(names) <= 12 else 2, len(shown))
    figure, all_axes = panels.create_panels(len(shown), columns=columns, size=(3.1, max(1.5, 0.27 * len(names) + 0.9)))
    marked = False
    for place, (axes, feature) in enumerate(zip(all_axes, shown, strict=True)):
        columns_of = [_values(own, feature) for own in groups]
        _draw_boxes(axes, [values[np.isfinite(values)] for values in columns_of])
        missing = sum(int((~np.isfinite(values)).sum()) for values in columns_of)
        panels.style_axes(axes, title=_missing_text(missing), x=feature_label(feature), y="")
        labels = [_group_label(str(name), len(own)) for name, own in zip(names, groups, strict=True)]
        axes.set_yticks(np.arange(len(names)), labels if place % columns == 0 else [""] * len(names))
        axes.grid(visible=False, axis="y")
        if comparison is not None:
            rows = _with_series(comparison[comparison["feature"] == feature], p)
            marked |= _draw_marks(axes, rows, [str(n) for n in names], p)
    over = plural(unit) if "images" in p else "cells"
    if comparison is not None and "p_series_adjusted" in comparison and comparison["p_series_adjusted"].notna().any():
        over += " and series"
    panels.add_heading(figure, _heading(len(known), marked, over))
    return figure


def feature_label(name: str) -> str:
    """Return what a column is called on an axis, with its unit.

    Example:
        >>> feature_label("axis_major_length_um"), feature_label("area_px2"), feature_label("shape_index")
        ('axis major length, µm', 'area, px²', 'shape index')
    """
    found = re.fullmatch(r"(.+)_(um2|px2|um|px)", name)
    plain, unit = (found[1], f", {_UNITS[found[2]]}") if found else (name, "")
    return panels.to_plain(plain.replace("_", " "), longest=40) + unit


def _values(table: pd.DataFrame, feature: str) -> FloatArray:
    return np.asarray(table[feature].to_numpy(dtype=float, na_value=np.nan))


def _group_label(name: str, count: int) -> str:
    # Names of one experiment often differ in their last words only.
    half = _LONGEST // 2
    short = name if len(name) <= _LONGEST else f"{name[: half - 1]}…{name[-half:]}"
    return f"{panels.to_plain(short)}, n = {count}"


def _missing_text(missing: int) -> str:
    return f"{panels.count_of(missing, 'cell')} without a value" if missing else ""


def _heading(count: int, marked: bool, over: str) -> str:
    text = f"n = {panels.count_of(count, 'cell')}; whiskers within 1.5 box lengths"
    # A narrow figure would cut one long line.
    return text + (f"\nafter Holm, over {over}: * p < 0.05, ** < 0.01, *** < 0.001" if marked else "")


def _draw_boxes(axes: Axes, groups: Sequence[FloatArray]) -> None:
    """Draw a lying box a group, the first on top."""
    from matplotlib.ticker import MaxNLocator

    for place, values in enumerate(groups):
        if values.size:
            colour = to_hex(category_colour(_COLOURS[place % len(_COLOURS)]))
            axes.bxp(
                [_box(values)], positions=[place], orientation="horizontal", widths=0.55, patch_artist=True,
                boxprops={"facecolor": colour, "alpha": 0.55, "edgecolor": panels.GREY},
                medianprops={"color": panels.DARK, "linewidth": 1.8},
                whiskerprops={"color": panels.GREY}, capprops={"color": panels.GREY},
                flierprops={"marker": "o", "markersize": 2, "markeredgecolor": panels.GREY, "alpha": 0.5},
                manage_ticks=False,
            )  # fmt: skip
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))


def _box(values: FloatArray) -> dict[str, Any]:
    first, median, third = np.percentile(values, [25, 50, 75])
    reach = 1.5 * (third - first)
    inside = values[(values >= first - reach) & (values <= third + reach)]
    low, high = float(inside.min()), float(inside.max())
    beyond = np.sort(values[(values < low) | (values > high)])
    if beyond.size > _MOST_POINTS:
        beyond = beyond[np.linspace(0, beyond.size - 1, _MOST_POINTS).round().astype(int)]
    return {"q1": first, "med": median, "q3": third, "whislo": low, "whishi": high, "fliers": beyond}


def _with_series(rows: pd.DataFrame, p: str) -> pd.DataFrame:
    """Return the rows with the larger p of images and of series, where series are known."""
    return rows.assign(**{p: rows[[p, "p_series_adjusted"]].max(axis=1)}) if "p_series_adjusted" in rows else rows


def _draw_marks(axes: Axes, rows: pd.DataFrame, names: Sequence[str], p: str) -> bool:
    """Draw a bracket for each pair right of the boxes; tell whether any was."""
    rows = rows[rows[p].notna() & rows["group_1"].isin(names) & rows["group_2"].isin(names)]
    if not 0 < len(rows) <= _MOST_BRACKETS:
        return False
    places = [
        (names.index(one), names.index(other)) for one, other in zip(rows["group_1"], rows["group_2"], strict=True)
    ]
    spans = [(min(pair), max(pair)) for pair in places]
    lanes = _lanes(spans)
    low, high = axes.get_xlim()
    step = 0.13 * (high - low)
    axes.set_xlim(low, high + step * (max(lanes) + 1.2))
    for (first, last), value, lane in zip(spans, rows[p], lanes, strict=True):
        x, top, bottom = high + step * (lane + 0.4), first + 0.12, last - 0.12
        axes.plot(
            [x - 0.25 * step, x, x, x - 0.25 * step], [top, top, bottom, bottom], color=panels.DARK, linewidth=0.8
        )
        look: dict[str, Any] = {"rotation": -90, "ha": "left", "va": "center", "fontsize": panels.SMALL - 1}
        axes.text(x + 0.06 * step, (first + last) / 2, _stars(float(value)), color=panels.DARK, **look)
    return True


def _lanes(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Give each pair of places the innermost lane in which it overlaps none before it, short pairs first."""
    lanes: dict[int, int] = {}
    for number in sorted(range(len(pairs)), key=lambda k: pairs[k][1] - pairs[k][0]):
        first, last = pairs[number]
        taken = {lane for k, lane in lanes.items() if pairs[k][0] < last and first < pairs[k][1]}
        lanes[number] = next(lane for lane in range(len(pairs)) if lane not in taken)
    return [lanes[number] for number in range(len(pairs))]


def _stars(p: float) -> str:
    return next((stars for limit, stars in _STARS if p < limit), "ns")
