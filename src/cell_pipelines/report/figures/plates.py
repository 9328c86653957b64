"""Figures of plates: maps of values and of what position adds, controls, hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.annotations.wells import row_name
from cell_pipelines.report.figures import panels
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Plates that are drawn; the tables have all.
MOST_PLATES: Final = 12
_ROLES: Final = {"control_negative": "negative control", "control_positive": "positive control", "sample": "sample"}
_LETTERS: Final = {"control_negative": "−", "control_positive": "+"}
_SMALLEST: Final = 5.5  # points


def plot_plate_maps(wells: pd.DataFrame, shape: tuple[int, int], *, measure: str) -> Figure:
    """Plot the plates as maps: the value of each well, and what is left of it beyond its treatment.

    Args:
        wells: One row per well: `plate`, `row`, `column` from 0, `role`, `value`, `residual_percent`.
        shape: Rows and columns of the plates.
        measure: What the value is.

    Returns:
        The figure, with two maps per plate for the first twelve plates. Wells without a value are grey; `-` and `+`
        mark negative and positive controls.
    """
    if not wells["value"].notna().any():
        return panels.create_note("There is no well with a value.")
    plates = list(wells["plate"].unique())[:MOST_PLATES]
    figure, axes = panels.create_panels(2 * len(plates), columns=2, size=(6.2, 4.9 * shape[0] / shape[1] + 0.2))
    shown = wells[wells["plate"].isin(plates)]
    extent = float(np.nanpercentile(np.abs(shown["residual_percent"]), 99)) if _is_any(shown["residual_percent"]) else 1
    for place, plate in enumerate(plates):
        own = wells[wells["plate"] == plate]
        name = f"{plate}: " if len(plates) > 1 else ""
        values = _draw_map(axes[2 * place], own, "value", shape, cmap="viridis")
        panels.style_axes(axes[2 * place], title=f"{name}{measure}", x="", y="")
        _add_bar(figure, axes[2 * place], values, measure)
        limits: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -extent, "vmax": extent}
        rest = _draw_map(axes[2 * place + 1], own, "residual_percent", shape, **limits)
        panels.style_axes(axes[2 * place + 1], title=f"{name}beyond the treatment", x="", y="")
        _add_bar(figure, axes[2 * place + 1], rest, "percentage points")
        for one in axes[2 * place : 2 * place + 2]:
            _style_map(one, shape)
    return figure


def _is_any(values: pd.Series) -> bool:
    return bool(values.notna().any())


def _draw_map(axes: Axes, wells: pd.DataFrame, column: str, shape: tuple[int, int], **colours: Any) -> Any:
    plate = np.full(shape, np.nan)
    plate[wells["row"], wells["column"]] = wells[column]
    axes.set_facecolor(panels.PALE)
    image = axes.imshow(np.ma.masked_invalid(plate), aspect="equal", interpolation="nearest", **colours)
    size = max(_SMALLEST, min(panels.SMALL, 130 / shape[0]))
    for role, letter in _LETTERS.items():
        for well in wells[wells["role"] == role].to_dict("records"):
            colour = _contrast(image, plate[well["row"], well["column"]])
            axes.text(well["column"], well["row"], letter, ha="center", va="center", fontsize=size, color=colour)
    return image


def _contrast(image: Any, value: float) -> str:
    """Return black or white, whichever is seen on the colour of a value."""
    if not np.isfinite(value):
        return panels.DARK
    red, green, blue, _ = image.cmap(image.norm(value))
    return panels.DARK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"


def _style_map(axes: Axes, shape: tuple[int, int]) -> None:
    rows, columns = shape
    step = 1 if rows <= 16 else 2
    axes.set_xticks(np.arange(0, columns, step), [str(number + 1) for number in range(0, columns, step)])
    axes.set_yticks(np.arange(0, rows, step), [row_name(row) for row in range(0, rows, step)])
    axes.tick_params(labelsize=_SMALLEST + 0.5, length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _add_bar(figure: Figure, axes: Axes, image: Any, label: str) -> None:
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    bar.ax.tick_params(labelsize=_SMALLEST + 1, colors=panels.GREY, labelcolor=panels.DARK)
    bar.set_label(panels.to_plain(label, longest=30), fontsize=panels.SMALL, color=panels.DARK)
    bar.outline.set_visible(False)


def plot_roles(wells: pd.DataFrame, *, measure: str) -> Figure:
    """Plot the values of controls and samples of each plate, with mean and three standard deviations of the controls.

    Args:
        wells: One row per well: `plate`, `role`, `value`.
        measure: What the value is.
    """
    known = wells[wells["value"].notna() & wells["role"].isin(_ROLES)]
    if known.empty:
        return panels.create_note("There is no well with a value.")
    plates = list(known["plate"].unique())
    figure, (axes,) = panels.create_panels(1, columns=1, size=(max(5.0, 1.5 * min(len(plates), 24) + 2), 3.4))
    handles: dict[str, Any] = {}
    for place, plate in enumerate(plates):
        for number, role in enumerate(_ROLES):
            own = known[(known["plate"] == plate) & (known["role"] == role)]["value"].to_numpy(dtype=np.float64)
            if not own.size:
                continue
            x = place + 0.27 * (number - 1)
            spread = x + 0.18 * ((np.arange(own.size) * 0.618) % 1 - 0.5)
            look = {**panels.marker_style(number), "markersize": 3.0, "linestyle": "none", "alpha": 0.7}
            handles[_ROLES[role]] = axes.plot(spread, own, **look)[0]
            if role in _LETTERS and own.size > 1:
                handles["mean, three standard deviations"] = _draw_spread(axes, x, own)
    panels.style_axes(axes, x="", y=panels.to_plain(measure, longest=40))
    axes.set_xticks(range(len(plates)), [panels.to_plain(str(plate), longest=18) for plate in plates],
                    rotation=45 if len(plates) > 6 else 0)  # fmt: skip
    axes.set_xlim(-0.5, len(plates) - 0.5)
    panels.add_legend(figure, handles)
    return figure


def _draw_spread(axes: Axes, x: float, values: FloatArray) -> Any:
    mean, spread = values.mean(), 3 * values.std(ddof=1)
    return axes.errorbar(
        [x], [mean], yerr=[spread], color=panels.DARK, capsize=4, marker="_", markersize=10, linewidth=1.4
    )


def plot_hits(hits: pd.DataFrame) -> Figure:
    """Plot the difference of each treatment from the reference over its adjusted p.

    Args:
        hits: One row per treatment: `z`, `p_adjusted`, `hit`.
    """
    known = hits[hits["p_adjusted"].notna()]
    if known.empty:
        return panels.create_note("No treatment could be compared with the reference.")
    figure, (axes,) = panels.create_panels(1, columns=1, size=(5.4, 3.4))
    height = -np.log10(np.maximum(known["p_adjusted"].to_numpy(dtype=np.float64), 1e-30))
    handles: dict[str, Any] = {}
    for label, rows, number in (("no hit", ~known["hit"], 0), ("hit", known["hit"], 1)):
        if rows.any():
            look = {**panels.marker_style(number), "markersize": 4.0, "linestyle": "none", "alpha": 0.75}
            z = known["z"][rows].to_numpy(dtype=np.float64)
            handles[label] = axes.plot(z, height[rows.to_numpy()], **look)[0]
    panels.style_axes(axes, x="distance from the reference, standard deviations", y="−log10 of the adjusted p")
    panels.add_legend(figure, handles)
    return figure
