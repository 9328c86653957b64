"""Figures of viability: fields and conditions with their intervals, living and dead cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.report.figures import panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_SERIES: Final = 7  # with a colour and a shape of their own
_LONGEST: Final = 30


def plot_viability(fields: pd.DataFrame, conditions: pd.DataFrame, *, level: float = 0.95) -> Figure:
    """Plot the viability of each field, and of each condition with its interval.

    Args:
        fields: One row per field: `condition` (missing for not known), `series`, `total`, `viability_percent`.
        conditions: One row per condition, drawn from top to bottom: `condition`, `fields`, `series_count`, `total`,
            `viability_percent`, `low_by_series_percent`, `high_by_series_percent` and the same `by_field`, as
            `analysis.viability.summary` gives. Further columns such as `dose` are added to the names.
        level: Level of the intervals, to be told.

    Returns:
        The figure: one point per field, in its series' colour and shape up to seven series; a line for the interval
        over series where there is one, otherwise (dashed) that over fields; a tick for all cells together. Without a
        cell it says so.
    """
    if conditions.empty or not conditions["total"].sum():
        return panels.create_note("There are no cells whose viability could be shown.")
    names = [_name_of(row) for row in conditions.to_dict("records")]
    figure, (axes,) = panels.create_panels(1, columns=1, size=(6.4, max(1.6, 0.62 * len(names) + 0.5)))
    series = [str(name) for name in fields["series"].dropna().unique()]
    handles: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    for place, row in enumerate(conditions.to_dict("records")):
        own = fields[_belongs(fields, row) & (fields["total"] > 0)]
        handles |= _draw_fields(axes, own, place - 0.16, series)
        summary |= _draw_estimate(axes, row, place + 0.2, level)
    panels.style_axes(axes, x="viability, % of the cells", y="")
    axes.set(xlim=(-2, 102), ylim=(len(names) - 0.5, -0.5))
    axes.set_yticks(np.arange(len(names)), names)
    axes.grid(visible=False, axis="y")
    panels.add_heading(figure, count_units(fields))
    panels.add_legend(figure, handles | summary)
    return figure


def _name_of(row: Mapping[Any, Any]) -> str:
    """Return the name of a group and, on a line below, its numbers."""
    parts = [str(row["condition"])] + [f"{key} {row[key]:g}" for key in ("dose", "time") if _is_known(row.get(key))]
    numbers = [panels.count_of(int(row["fields"]), "field")]
    if row["series_count"]:
        numbers.append(panels.count_of(int(row["series_count"]), "series", "series"))
    numbers.append(panels.count_of(int(row["total"]), "cell"))
    return f"{panels.to_plain(', '.join(parts), longest=_LONGEST)}\n{', '.join(numbers)}"


def _belongs(fields: pd.DataFrame, row: Mapping[Any, Any]) -> npt.NDArray[np.bool_]:
    """Say which fields are of a group; where no such condition is, those whose condition is not known."""
    chosen = fields["condition"] == row["condition"]
    if not chosen.any():
        chosen = fields["condition"].isna()
    for key in ("dose", "time"):
        if key in row:
            chosen &= fields[key] == row[key] if _is_known(row[key]) else fields[key].isna()
    return np.asarray(chosen, dtype=np.bool_)


def _is_known(value: Any) -> bool:
    return value is not None and value == value


def series_looks(fields: pd.DataFrame, series: list[str]) -> list[tuple[str, npt.NDArray[np.bool_], dict[str, Any]]]:
    """Return the label, fields and look of each series; of all fields together where they are too many or unknown."""
    look = {"markersize": 5.0, "markeredgecolor": "white", "markeredgewidth": 0.5, "alpha": 0.85}
    if not 0 < len(series) <= _MOST_SERIES:
        return [("fields", np.ones(len(fields), dtype=np.bool_), {**look, "marker": "o", "color": panels.GREY})]
    names = fields["series"].astype("object").to_numpy()
    parts = [(name, names == name, {**look, **panels.marker_style(place)}) for place, name in enumerate(series)]
    unknown = np.asarray(fields["series"].isna().to_numpy(), dtype=np.bool_)
    parts.append(("series unknown", unknown, {**look, "marker": "o", "color": panels.GREY}))
    return [(label, rows, style) for label, rows, style in parts if rows.any()]


def _draw_fields(axes: Axes, fields: pd.DataFrame, place: float, series: list[str]) -> dict[str, Any]:
    values = fields["viability_percent"].to_numpy(dtype=np.float64)
    spread = place + 0.09 * ((np.arange(values.size) * 0.618) % 1 - 0.5) * 2
    handles: dict[str, Any] = {}
    for label, rows, style in series_looks(fields, series):
        handles[label] = axes.plot(values[rows], spread[rows], linestyle="none", **style)[0]
    return handles if values.size else {}


def _draw_estimate(axes: Axes, row: Mapping[Any, Any], place: float, level: float) -> dict[str, Any]:
    handles: dict[str, Any] = {}
    for unit, dashes in (("series", "-"), ("field", (0, (2, 1)))):
        low, high = row[f"low_by_{unit}_percent"], row[f"high_by_{unit}_percent"]
        if np.isfinite(low) and np.isfinite(high):
            label = f"{100 * level:g} % interval over {'series' if unit == 'series' else 'fields'}"
            line = axes.plot([low, high], [place, place], color=panels.DARK, linewidth=2.0, linestyle=dashes)
            handles[label] = line[0]
            break
    if np.isfinite(row["viability_percent"]):
        mark = axes.plot(
            [row["viability_percent"]], [place], "|", color=panels.DARK, markersize=11, markeredgewidth=2.4
        )
        handles["all cells together"] = mark[0]
    return handles


def count_units(fields: pd.DataFrame) -> str:
    """Return how many fields, series and cells there are, for a heading."""
    parts = [panels.count_of(len(fields), "field")]
    if fields["series"].notna().any():
        parts.append(panels.count_of(int(fields["series"].nunique()), "series", "series"))
    return f"n = {', '.join(parts)}, {panels.count_of(int(fields['total'].sum()), 'cell')}"
