"""Counts with their intervals: a figure of test images, and the section of a model's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INSIDE: Final = to_hex(category_colour(5))
_OUTSIDE: Final = to_hex(category_colour(1))
_MOST: Final = 120  # images per panel shows
_DEFINITIONS: Final = {
    "level": "how often the intervals are meant to hold the true count",
    "coverage": "how often they did, with Wilson's 95 % interval over images",
    "mean_width": "mean of high - low in cells, with its 95 % bootstrap interval over images",
    "calibration_images": "validation images whose errors set the width",
    "calibration_groups": "series of them, where a series counts as one; else as many as images",
    "mean_predicted": "mean predicted count of the test images, to compare the width with",
    "images_to_narrow": "with so many calibration images (or series) the largest error no longer sets the width; 0 "
    "where more would hardly narrow it",
    "mean_width_with_many": "about how wide intervals would be with many more calibration images, by these errors",
}


def plot_count_intervals(table: pd.DataFrame, *, most: int = _MOST) -> Figure:
    """Plot the predicted count of each image with its interval, and the true count, marked where it lies outside.

    Args:
        table: One row per image and class; columns `image`, `category`, `true`, `predicted`, `low`, `high` and
            `covered`.
        most: Images a panel shows at most, evenly chosen over the predicted counts; its title says how many there are.

    Returns:
        The figure, one panel per class, images in the order of predicted counts. A class without finite intervals shows
        counts alone and says so. Without a row it says so.
    """
    if table.empty:
        return panels.create_note("There are no counts to show.")
    groups = [(str(name), rows) for name, rows in table.groupby("category", sort=False)]
    if len(groups) == 2:  # one class, and all classes, which are the same
        groups = groups[:1]
    figure, all_axes = panels.create_panels(len(groups), columns=2, size=(4.6, 2.9))
    handles: dict[str, Any] = {}
    for axes, (name, rows) in zip(all_axes, groups, strict=True):
        handles |= _draw(axes, _chosen(rows, most))
        panels.style_axes(axes, title=_title(name, rows, most), x="images, by predicted count", y="cells per image")
        axes.set_xticks([])
        axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
    panels.add_legend(figure, handles)
    return figure


def _chosen(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    ordered = rows.sort_values(["predicted", "true"], kind="stable", ignore_index=True)
    places = np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(int))
    return ordered.iloc[places].reset_index(drop=True)


def _title(name: str, rows: pd.DataFrame, most: int) -> str:
    known = rows["covered"].dropna().astype(bool)
    held = f"{int(known.sum())} of {len(known)} held" if len(known) else "no finite interval"
    shown = f", {most} shown" if len(rows) > most else ""
    return f"{name[:24]}: {held}{shown}"


def _draw(axes: Axes, rows: pd.DataFrame) -> dict[str, Any]:
    from matplotlib.ticker import MaxNLocator

    places = np.arange(len(rows))
    handles: dict[str, Any] = {}
    true, predicted, low, high = (rows[key].to_numpy(dtype=float) for key in ("true", "predicted", "low", "high"))
    known = np.isfinite(low) & np.isfinite(high)
    outside = known & ((true < low) | (true > high))
    if known.any():
        handles["interval"] = axes.vlines(
            places[known], low[known], high[known], color=_INSIDE, alpha=0.35, linewidth=max(1.2, 160 / len(rows) / 4)
        )
    (handles["predicted"],) = axes.plot(places, predicted, "_", color=panels.GREY, markersize=5)
    (handles["true"],) = axes.plot(places[~outside], true[~outside], "o", color=_INSIDE, markersize=3.5)
    if outside.any():
        (handles["true, outside its interval"],) = axes.plot(
            places[outside], true[outside], "X", color=_OUTSIDE, markersize=6
        )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    return handles


def count_interval_sections(
    intervals: pd.DataFrame, coverage: pd.DataFrame, figure: Figure | Embedded
) -> list[Section]:
    """Return the section of a model's page about the intervals of its counts.

    Args:
        intervals: One row per test image and class, as for `plot_count_intervals`.
        coverage: One row per class: `category`, `images`, `covered`, `coverage` with `…_low` and `…_high`, `level`,
            `mean_width`, `calibration_images`, `calibration_groups`, `note`.
        figure: Of `plot_count_intervals`.

    Returns:
        One section; none without test images.
    """
    if intervals.empty or coverage.empty:
        return []
    shown = coverage.dropna(axis="columns", how="all")
    shown = shown if (shown["note"] != "").any() else shown.drop(columns="note")
    items: list[Item] = [
        Text(_sentence(coverage)),
        Picture(figure, "Each test image's predicted count with its interval, and the true one"),
        Table(shown, "How often the intervals held on test", _DEFINITIONS),
    ]
    return [Section("Counts with intervals", items)]


def _sentence(coverage: pd.DataFrame) -> str:
    finite = coverage[coverage["coverage"].notna()]
    if finite.empty:
        return f"No count has a finite interval: {coverage['note'].iloc[-1] or 'there is none'}."
    row = finite.iloc[-1]
    text = (
        f"Intervals meant to hold the true count of {100 * row['level']:.0f} % of images held that of "
        f"{int(row['covered'])} of {int(row['images'])} test images ({100 * row['coverage']:.1f} %, 95 % interval "
        f"{100 * row['coverage_low']:.1f} to {100 * row['coverage_high']:.1f} %), {row['category']}; they are "
        f"{row['mean_width']:.1f} cells wide on average. They come from {int(row['calibration_images'])} validation "
        "images by split conformal prediction, and hold for images like those."
    )
    series = "One value per series counts." if row["calibration_groups"] < row["calibration_images"] else (
        "Each image counts as its own: for images of a new series, unlike these, they may hold less often."
    )  # fmt: skip
    wide = f" Note: {row['note']}." if row["note"] else ""
    return f"{text} {series}{wide}"
