"""Figures of mosaicism: the patterns of signals in each sample, and the share of aneuploid nuclei with thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OTHER: Final = "other patterns"
_HATCHES: Final = ("", "///", "...", "xxx", "\\\\\\", "++", "ooo", "--")
_BAR: Final = 0.24  # inches a group
_LONGEST: Final = 26  # letters of a name
_NORMAL: Final = "disomic"
_ABOVE: Final = "above_threshold"
_SHORT: Final = {"tetrasomic or more": "4 or more"}
_LIMITS: Final = {"mean_3sd_percent": ("mean + 3 SD of controls", "--"), "beta_inverse_percent": ("beta inverse", ":")}


def plot_patterns(table: pd.DataFrame, *, name: str = "subject", most: int = 7) -> Figure:
    """Plot how the whole nuclei of each sample or subject share in the patterns of signals, as stacked bars.

    Args:
        table: Rows of `tabulate_patterns`: the column `name`, `pattern`, `count`, `nuclei`, `fraction_percent`.
        name: The column that names the bars.
        most: Patterns shown by themselves, the commonest of all, 1 to 7; the others are one part of the bar.

    Returns:
        The figure. Without a whole nucleus it says so.
    """
    counted = table[table["count"] > 0] if len(table) else table
    if counted.empty:
        return panels.create_note("There are no whole nuclei whose signals could be counted.")
    common = counted.groupby("pattern")["count"].sum().sort_values(ascending=False, kind="stable").index[:most].tolist()
    shown = counted.assign(
        part=counted["pattern"].where(counted["pattern"].isin(common), _OTHER), who=_names(counted, name)
    )
    shares = shown.pivot_table(index="who", columns="part", values="fraction_percent", aggfunc="sum", sort=False)
    nuclei = shown.groupby("who", sort=False)["nuclei"].first()
    parts = [*common, *([_OTHER] if _OTHER in shares.columns else [])]
    figure, (axes,) = panels.create_panels(1, columns=1, size=(6.4, _height(len(shares))))
    handles: dict[str, Any] = {}
    start, places = np.zeros(len(shares)), np.arange(len(shares))[::-1]
    for number, part in enumerate(parts):
        width = shares[part].fillna(0.0).to_numpy()
        colour = panels.PALE if part == _OTHER else to_hex(category_colour(number))
        handles[part] = axes.barh(
            places,
            width,
            left=start,
            height=0.72,
            color=colour,
            edgecolor="white",
            linewidth=0.6,
            hatch=_HATCHES[number],
        )
        start = start + width
    axes.set_yticks(places.tolist(), [_told(who, nuclei[who]) for who in shares.index], parse_math=False)
    axes.set_xlim(0, 100)
    panels.style_axes(axes, x="whole nuclei, % (signals red:green)", y="")
    axes.grid(visible=False, axis="y")
    panels.add_heading(
        figure, f"Patterns of signals, n = {panels.count_of(int(nuclei.sum()), 'whole nucleus', 'whole nuclei')}"
    )
    panels.add_legend(figure, handles)
    return figure


def plot_aneuploidy(table: pd.DataFrame, *, name: str = "subject", level: float = 0.95) -> Figure:
    """Plot the share of nuclei in each aneuploid state, with intervals and thresholds.

    Args:
        table: Rows of `flag_samples`, or of `measure_aneuploidy` where there are no thresholds: the column `name`,
            `chromosome`, `state`, `nuclei`, `fraction_percent`, `low_percent`, `high_percent`; where they are there,
            `threshold_percent`, `above_threshold`, `mean_3sd_percent` and `beta_inverse_percent`.
        name: The column that names samples or subjects.
        level: Level of the intervals, told in the heading.

    Returns:
        A row of panels a chromosome, one column per state other than disomic in which there is a nucleus or a
        threshold; a filled point lies above its threshold. Without a whole nucleus the figure says so.
    """
    known = table[(table["nuclei"] > 0) & (table["state"] != _NORMAL)] if len(table) else table
    if known.empty:
        return panels.create_note("There are no whole nuclei whose signals could be counted.")
    known = known.assign(who=_names(known, name))
    states = [state for state, own in known.groupby("state", sort=False) if _says_something(own)]
    if not states:
        return panels.create_note("Every whole nucleus has two signals of each chromosome.")
    grid = [(one, state) for one in known["chromosome"].unique() for state in states]
    size = (2.25 if len(states) > 1 else 4.6, _height(known["who"].nunique()))
    figure, all_axes = panels.create_panels(len(grid), columns=len(states), size=size)
    handles: dict[str, Any] = {}
    for axes, (chromosome, state) in zip(all_axes, grid, strict=True):
        own = known[(known["chromosome"] == chromosome) & (known["state"] == state)]
        handles |= _draw_state(axes, own)
        panels.style_axes(axes, title=f"{chromosome}, {_SHORT.get(str(state), state)}", x="whole nuclei, %", y="")
        axes.grid(visible=False, axis="y")
        if state != states[0]:
            axes.tick_params(axis="y", labelleft=False)
    panels.add_heading(figure, f"Chromosome and state of its nuclei, {100 * level:g} % intervals (Wilson)")
    panels.add_legend(figure, handles)
    return figure


def _draw_state(axes: Axes, own: pd.DataFrame) -> dict[str, Any]:
    """Draw the points of one panel with their intervals, and the thresholds."""
    from matplotlib.ticker import MaxNLocator

    places = np.arange(len(own))[::-1]
    share, low, high = (
        own[column].to_numpy(dtype=float) for column in ("fraction_percent", "low_percent", "high_percent")
    )
    above = _is_above(own)
    handles: dict[str, Any] = {}
    colour = to_hex(category_colour(5))
    axes.hlines(places, low, high, color=colour, linewidth=1.4)
    for is_above, look, label in ((True, colour, "above the threshold"), (False, "white", "not above it")):
        chosen = above == is_above
        if chosen.any():
            label = label if _ABOVE in own.columns and own[_ABOVE].notna().any() else "share of nuclei"
            (handles[label],) = axes.plot(
                share[chosen], places[chosen], "o", color=colour, markerfacecolor=look, markersize=5.5, zorder=3
            )
    threshold = own["threshold_percent"].to_numpy(dtype=float) if "threshold_percent" in own.columns else share * np.nan
    if not np.isnan(threshold).all():
        (handles["threshold"],) = axes.plot(threshold, places, "|", color="black", markersize=9, markeredgewidth=1.6)
    for number, (column, (label, dashes)) in enumerate(_LIMITS.items()):
        limit = own[column].dropna().max() if column in own.columns else np.nan
        if not np.isnan(limit):
            handles[label] = axes.axvline(
                limit, color=to_hex(category_colour(1 + 3 * number)), linestyle=dashes, linewidth=1.6
            )
    axes.set_yticks(
        places.tolist(), [_told(*row) for row in own[["who", "nuclei"]].itertuples(index=False)], parse_math=False
    )
    axes.set_ylim(-0.7, len(own) - 0.3)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3))
    return handles


def _is_above(own: pd.DataFrame) -> Any:
    if _ABOVE not in own.columns or own[_ABOVE].isna().all():
        return np.ones(len(own), dtype=bool)
    return own[_ABOVE].astype("boolean").fillna(False).to_numpy(dtype=bool)


def _says_something(own: pd.DataFrame) -> bool:
    return bool((own["fraction_percent"] > 0).any() or any(own[c].notna().any() for c in _LIMITS if c in own.columns))


def _names(table: pd.DataFrame, name: str) -> pd.Series[str]:
    """Give the names of the groups; what has none is called not known."""
    return table[name].astype(object).where(table[name].notna(), "not known").astype(str)


def _told(who: str, nuclei: int) -> str:
    short = who if len(who) <= _LONGEST else f"{who[: _LONGEST - 1]}…"
    return f"{short}, n = {nuclei}"


def _height(groups: int) -> float:
    return max(1.3, 0.9 + _BAR * groups)
