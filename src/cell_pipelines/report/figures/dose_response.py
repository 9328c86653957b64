"""Figures of dose-response curves: fields, the fitted curve with its band, and EC50 with its interval."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.figures.viability import count_units, series_looks
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_BLUE: Final = to_hex(category_colour(5))


class Curve(Protocol):
    """A dose-response curve to be drawn; see `analysis.viability.dose_response.DoseResponse`."""

    @property
    def parameters(self) -> pd.DataFrame:
        """Columns `parameter`, `estimate`, `low`, `high`; a row `ec50` is drawn."""

    @property
    def curve(self) -> pd.DataFrame:
        """Columns `dose`, `viability_percent`, `low_percent`, `high_percent`."""

    @property
    def note(self) -> str:
        """Sentences that must be read with the curve."""


def plot_dose_response(
    fields: pd.DataFrame, result: Curve, *, name: str = "", dose_label: str = "dose", level: float = 0.95
) -> Figure:
    """Plot viability over dose on a logarithmic axis, with the fitted curve, its band, and EC50 with its interval.

    Args:
        fields: One row per field: `dose` (0 stands left of the axis' break), `series`, `total`, `viability_percent`.
        result: The fitted curve; fields are drawn without it where nothing was fitted.
        name: What the curve is of, for the title.
        dose_label: What the dose is, with its unit.
        level: Level of the intervals, to be told.

    Returns:
        The figure, with what `result` notes below its title. Without a field that has a dose and cells it says so.
    """
    used = fields[fields["dose"].notna() & (fields["total"] > 0)]
    doses = np.unique(used["dose"].to_numpy(dtype=np.float64))
    if not (doses > 0).any():
        return panels.create_note("There is no field with cells and a dose above 0.")
    figure, (axes,) = panels.create_panels(1, columns=1, size=(5.6, 3.6))
    zero = _place_of_zero(doses)
    axes.set_xscale("log")
    handles = _draw_curve(axes, result, zero, level)
    series = [str(label) for label in used["series"].dropna().unique()]
    moved = used["dose"].where(used["dose"] > 0, zero).to_numpy(dtype=np.float64)
    for label, rows, style in series_looks(used, series):
        points = axes.plot(moved[rows], used["viability_percent"].to_numpy()[rows], linestyle="none", **style)
        handles[label] = points[0]
    panels.style_axes(axes, x=dose_label, y="viability, % of the cells")
    _set_ticks(axes, doses, zero)
    axes.set_ylim(-3, 103)
    figure.suptitle("\n".join(_told(used, result, name)), fontsize=panels.NORMAL, color=panels.DARK, x=0.01, ha="left")
    panels.add_legend(figure, handles)
    return figure


def _place_of_zero(doses: FloatArray) -> float:
    positive = doses[doses > 0]
    ratio = (positive[-1] / positive[0]) ** (1 / max(positive.size - 1, 1))
    return float(positive[0] / max(ratio, 3.0))


def _draw_curve(axes: Axes, result: Curve, zero: float, level: float) -> dict[str, Any]:
    curve = result.curve[result.curve["dose"] > 0]
    if curve.empty:
        return {}
    x, low, high = (curve[name].to_numpy() for name in ("dose", "low_percent", "high_percent"))
    band = axes.fill_between(x, low, high, color=_BLUE, alpha=0.18, linewidth=0)
    line = axes.plot(x, curve["viability_percent"].to_numpy(), color=_BLUE, linewidth=1.8)
    handles: dict[str, Any] = {"fitted curve": line[0], f"its {100 * level:g} % interval": band}
    control = result.curve[result.curve["dose"] == 0]
    if len(control):
        centre, low, high = (control[name].to_numpy() for name in ("viability_percent", "low_percent", "high_percent"))
        axes.vlines([zero], low, high, color=_BLUE, linewidth=6, alpha=0.25)
        axes.plot([zero], centre, "_", color=_BLUE, markersize=12)
    ec50_dose, *ends = _ec50(result)
    if x[0] <= ec50_dose <= x[-1]:
        line_style: dict[str, Any] = {"color": panels.DARK, "linestyle": "--", "linewidth": 1.2}
        handles["EC50 with its interval"] = axes.axvline(ec50_dose, **line_style)
        ends = np.clip(ends, x[0], x[-1]).tolist()
        axes.axvspan(*ends, color=panels.DARK, alpha=0.08, linewidth=0)
    return handles


def _set_ticks(axes: Axes, doses: FloatArray, zero: float) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    positive = doses[doses > 0]
    first, last = np.log10(positive[[0, -1]])
    ticks = 10.0 ** np.arange(np.ceil(first - 0.01), np.floor(last + 0.01) + 1)
    if ticks.size < 2:
        ticks = np.unique(positive[[0, positive.size // 2, -1]])
    ticks = ticks[:: max(1, -(-ticks.size // 6))]
    labels = [f"{tick:g}" for tick in ticks]
    if doses[0] == 0:
        ticks, labels = np.append(zero, ticks), ["0", *labels]
        axes.axvline(np.sqrt(zero * positive[0]), color=panels.PALE, linestyle=":", linewidth=1.2)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(ticks, labels)
    left = zero if doses[0] == 0 else positive[0]
    pad = max((positive[-1] / left) ** 0.06, 1.1)
    axes.set_xlim(left / pad, positive[-1] * pad)


def _told(fields: pd.DataFrame, result: Curve, name: str) -> list[str]:
    ec50, low, high = _ec50(result)
    lines = [panels.to_plain(name, longest=60)] if name else []
    told = f"EC50 {ec50:.3g} ({low:.3g} to {high:.3g}); " if np.isfinite(ec50) else ""
    lines.append(told + count_units(fields))
    return lines + [panels.to_plain(line) for line in textwrap.wrap(result.note, 70)]


def _ec50(result: Curve) -> list[float]:
    row = result.parameters[result.parameters["parameter"] == "ec50"]
    return [float(row[column].iloc[0]) for column in ("estimate", "low", "high")]
