"""Figures of annotated objects: how large those of each class are, and how many an image holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MOST_BARS: Final = 40
_PERCENTILES: Final = (0, 5, 25, 50, 75, 95, 100)
_BLUE: Final = to_hex(category_colour(5))


def plot_object_sizes(areas: Mapping[str, FloatArray]) -> Figure:
    """Plot the areas of the objects of each class on a logarithmic axis.

    Args:
        areas: For each class, in the order to be drawn, the areas of its objects in px², (N,) float; what is not
            above 0 or not finite, such as points, is left out. N may be 0.

    Returns:
        The figure: a box from the 25th to the 75th percentile with the median, whiskers from the 5th to the 95th,
        and points for the smallest and the largest object. Without an area it says so.
    """
    known = {name: np.asarray(values, dtype=np.float64) for name, values in areas.items()}
    known = {name: values[np.isfinite(values) & (values > 0)] for name, values in known.items()}
    if not sum(map(len, known.values())):
        return panels.create_note("No object has an area.")
    figure, (axes,) = panels.create_panels(1, columns=1, size=(7.4, max(1.3, 0.34 * len(known) + 0.5)))
    handles: dict[str, Any] = {}
    for place, values in enumerate(known.values()):
        if values.size:
            handles = _draw_box(axes, place, values)
    labels = [f"{panels.to_plain(name, longest=40)}, n = {len(values)}" for name, values in known.items()]
    axes.set_xscale("log")
    axes.set_yticks(np.arange(len(known)), labels)
    axes.set_ylim(len(known) - 0.4, -0.6)
    panels.style_axes(axes, x="area of an object in px²", y="")
    _tidy_log_axis(axes)
    panels.add_legend(figure, handles)
    return figure


def plot_objects_per_image(counts: npt.NDArray[np.int64]) -> Figure:
    """Plot how many images hold how many objects.

    Args:
        counts: (I,) objects of each image, 0 or more. I may be 0.

    Returns:
        The figure, one bar per number of objects, or a range of numbers where they differ much. Without an image it
        says so.
    """
    if not len(counts):
        return panels.create_note("There is no image.")
    from matplotlib.ticker import MaxNLocator

    width = max(1, -(-(int(counts.max()) + 1) // _MOST_BARS))
    edges = np.arange(0, int(counts.max()) + width + 1, width) - 0.5
    figure, (axes,) = panels.create_panels(1, columns=1, size=(7.4, 2.6))
    axes.hist(counts, bins=edges.tolist(), color=_BLUE, rwidth=0.9)
    step = "" if width == 1 else f", {width} numbers per bar"
    panels.style_axes(axes, x=f"objects per image{step}", y="images")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(edges[0] - 0.25 * width, edges[-1] + 0.25 * width)
    empty = int((counts == 0).sum())
    told = f"n = {panels.count_of(len(counts), 'image')}, {empty} without an object; median {np.median(counts):g}"
    panels.add_heading(figure, f"{told}, most {int(counts.max())} objects")
    return figure


def _draw_box(axes: Axes, place: int, values: FloatArray) -> dict[str, Any]:
    least, low, first, second, third, high, most = np.percentile(values, _PERCENTILES)
    (whisker,) = axes.plot([low, high], [place, place], color=panels.GREY, linewidth=1.2, zorder=2)
    box = axes.barh(place, third - first, left=first, height=0.5, color=_BLUE, alpha=0.55, zorder=3)
    (median,) = axes.plot([second, second], [place - 0.25, place + 0.25], color=panels.DARK, linewidth=2, zorder=4)
    (ends,) = axes.plot([least, most], [place, place], "o", color=panels.GREY, markersize=3, zorder=2)
    return {"median": median, "interquartile range": box, "5 % to 95 %": whisker, "smallest, largest": ends}


def _tidy_log_axis(axes: Axes) -> None:
    """Write numbers out, and where the axis spans less than a decade also those between the powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    decades = np.log10(high / low)
    # More names than these would lie on each other.
    subs = (1.0,) if decades > 3 else (1.0, 3.0) if decades > 1 else (1.0, 2.0, 3.0, 5.0, 7.0)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=subs, numticks=9))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
