"""Figures of tracks: where they lead, how far cells spread with time, how fast they are, who comes from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex
from cell_pipelines.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MOST_PANELS: Final = 12
_MOST_PATHS: Final = 400  # a panel with more is a blot
_MOST_TRACKS: Final = 60  # rows of a lineage that remain readable
_ORDER: Final = (5, 1, 2, 4, 0, 3, 6)  # dark colours first: lines on white


def plot_tracks_origin(
    linked: pd.DataFrame, *, by: str = "sequence", pixel_size_um: float | tuple[float, float] | None = None
) -> Figure:
    """Plot every track from a common origin, one panel per group.

    Args:
        linked: Tracks as `link_cells` returns them; columns `sequence`, `track`, `frame`, `row_px`, `column_px`.
        by: Column that groups tracks.
        pixel_size_um: Side of a pixel, or its height and width; None plots pixels.

    Returns:
        The figure: thin lines from the origin, a point at each end, a square at the mean of the ends. Up is up in
        the image, and all panels have one scale. Tracks of one frame are counted, not drawn; of many tracks the
        first 400 are drawn, of many groups the first 12. Without a track it says so.
    """
    moving = linked[linked.groupby(["sequence", "track"])["frame"].transform("size") > 1]
    if moving.empty:
        return panels.create_note("There are no tracks of more than one frame.")
    height, width = np.broadcast_to(1.0 if pixel_size_um is None else np.asarray(pixel_size_um, float), 2)
    unit = "px" if pixel_size_um is None else "µm"
    groups = list(moving.groupby(by, sort=True))
    figure, all_axes = panels.create_panels(min(len(groups), _MOST_PANELS), columns=3, size=(2.9, 3.0))
    reach = 0.0
    for place, (axes, (name, rows)) in enumerate(zip(all_axes, groups, strict=False)):
        paths = [_from_origin(own, height, width) for _, own in rows.groupby(["sequence", "track"], sort=True)]
        reach = max(reach, _draw_paths(axes, paths, place))
        single = linked[linked[by] == name].groupby(["sequence", "track"]).ngroups - len(paths)
        numbers = f"n = {len(paths)}" + (f" (+{single} single)" if single else "")
        title = f"{panels.to_plain(str(name), longest=30)}\n{numbers}"
        panels.style_axes(axes, title=title, x=f"x ({unit})", y=f"y ({unit})")
    for axes in all_axes:
        axes.set(xlim=(-1.05 * reach, 1.05 * reach), ylim=(-1.05 * reach, 1.05 * reach), aspect="equal")
    panels.add_heading(figure, _heading(len(groups)))
    return figure


def _heading(groups: int) -> str:
    return f"Tracks from a common origin; square: mean of the ends; n = tracks{_left_out(groups)}"


def _left_out(groups: int) -> str:
    return "" if groups <= _MOST_PANELS else f"; {panels.count_of(groups - _MOST_PANELS, 'more group')} not shown"


def _from_origin(own: pd.DataFrame, height: float, width: float) -> FloatArray:
    """Return x and y from the first cell on, (N, 2), y up."""
    ordered = own.sort_values("frame")[["column_px", "row_px"]].to_numpy(float)
    path: FloatArray = (ordered - ordered[0]) * np.array([width, -height])
    return path


def _draw_paths(axes: Axes, paths: list[FloatArray], place: int) -> float:
    from matplotlib.collections import LineCollection

    colour = to_hex(category_colour(_ORDER[place % len(_ORDER)]))
    shown = paths[:_MOST_PATHS]
    axes.add_collection(LineCollection(shown, colors=colour, linewidths=0.7, alpha=0.65))
    ends = np.array([path[-1] for path in paths])
    axes.scatter(ends[:_MOST_PATHS, 0], ends[:_MOST_PATHS, 1], s=7, color=colour, linewidths=0, zorder=3)
    axes.plot(*ends.mean(axis=0), "s", color="white", markeredgecolor=panels.DARK, markersize=6, zorder=4)
    axes.axhline(0, color=panels.GREY, linewidth=0.6)
    axes.axvline(0, color=panels.GREY, linewidth=0.6)
    return max(float(np.abs(np.concatenate(shown)).max()), 1e-9)


def plot_msd(table: pd.DataFrame, *, fits: pd.DataFrame | None = None) -> Figure:
    """Plot mean squared displacement over time, both on a logarithmic scale, one line per group.

    Args:
        table: As `mean_squared_displacement` returns it; its first column names the groups.
        fits: As `fit_persistence` returns it for the same groups and units; told in the legend.

    Returns:
        The figure: points with their interval as a band, and thin lines of slope 1 (random walk) and 2 (straight
        way) through the first point of the first group. Lags or groups with a mean of 0 can't be drawn and are
        left out; of many groups the first 12 are drawn. Without a row it says so.
    """
    name, value = str(table.columns[0]), next((c for c in table if str(c).startswith("msd_")), None)
    drawable = table[table[value] > 0] if value is not None else table.iloc[:0]
    if drawable.empty:
        return panels.create_note("There are no displacements to average.")
    time, unit = "lag_min" if "lag_min" in table else "lag_frames", str(value)[4:]
    groups = [rows for _, rows in drawable.groupby(name, sort=True)]
    figure, (axes,) = panels.create_panels(1, columns=1, size=(4.6 if len(groups) < 4 else 7.4, 3.4))
    handles: dict[str, Any] = {}
    for place, rows in enumerate(groups[:_MOST_PANELS]):
        look = {**panels.marker_style(_ORDER[place % len(_ORDER)]), "linewidth": 1.4, "markersize": 4}
        lags = rows[time].to_numpy(float)
        (line,) = axes.plot(lags, rows[value].to_numpy(float), **look)
        low, high = (rows[f"{side}_{unit}"].to_numpy(float) for side in ("low", "high"))
        axes.fill_between(lags, low, high, color=look["color"], alpha=0.18, linewidth=0)
        handles[_label(rows, name, fits)] = line
    handles |= _draw_slopes(axes, drawable[time].to_numpy(float), float(drawable[value].iloc[0]))
    axes.set(xscale="log", yscale="log")
    axes.tick_params(which="minor", labelsize=panels.SMALL - 1.5, labelcolor=panels.DARK)
    length = "µm²" if unit == "um2" else "px²"
    labels = {"x": f"time ({'min' if time == 'lag_min' else 'frames'})", "y": f"mean squared displacement ({length})"}
    panels.style_axes(axes, title=f"Band: interval over tracks (n){_left_out(len(groups))}", **labels)
    panels.add_legend(figure, handles)
    return figure


def _label(rows: pd.DataFrame, name: str, fits: pd.DataFrame | None) -> str:
    """Return the group, its tracks and, where there is room for it, its persistence."""
    label = f"{panels.to_plain(str(rows[name].iloc[0]), longest=32)}, n = {rows['n_tracks'].max()}"
    column = next((c for c in ("persistence_min", "persistence_frames") if fits is not None and c in fits), None)
    if fits is None or name not in fits or column is None:
        return label
    known = fits.loc[(fits[name] == rows[name].iloc[0]) & fits["identifiable"], column]
    told = f"{label}, P = {known.iloc[0]:.3g} {column.split('_')[1]}" if len(known) else label
    return told if len(told) <= panels.LONGEST_LABEL else label


def _draw_slopes(axes: Axes, lags: FloatArray, start: float) -> dict[str, Any]:
    handles: dict[str, Any] = {}
    ends = np.array([lags.min(), lags.max()])
    for slope, dashes, name in ((1, ":", "slope 1, random walk"), (2, "--", "slope 2, straight")):
        (handles[name],) = axes.plot(
            ends, start * (ends / ends[0]) ** slope, dashes, color=panels.GREY, linewidth=1.0, zorder=1
        )
    return handles


def plot_track_speeds(table: pd.DataFrame, *, by: str = "sequence") -> Figure:
    """Plot the mean speed of every track, a row of points and one box per group.

    Args:
        table: As `measure_tracks` returns it, with the column `by`.
        by: Column that groups tracks.

    Returns:
        The figure: boxes from the 25th to the 75th percentile with the median, and one point per track, in groups from
        top to bottom. Tracks of one frame have no speed and are counted in the heading. Without a speed it says so.
    """
    column = next((c for c in table if str(c).startswith("mean_speed_")), None)
    known = table.dropna(subset=[column]) if column is not None else table.iloc[:0]
    if known.empty:
        return panels.create_note("There are no tracks of more than one frame.")
    groups = [(str(name), rows[column].to_numpy(float)) for name, rows in known.groupby(by, sort=True)]
    figure, (axes,) = panels.create_panels(1, columns=1, size=(5.4, max(1.3, 0.42 * len(groups) + 0.6)))
    jitter = np.random.default_rng(0)
    for place, (_, speeds) in enumerate(groups):
        colour = to_hex(category_colour(_ORDER[place % len(_ORDER)]))
        heights = place + jitter.uniform(-0.24, 0.24, len(speeds))
        axes.scatter(speeds, heights, s=9, color=colour, alpha=0.55, linewidths=0, zorder=2)
    look: dict[str, Any] = {"medianprops": {"color": panels.DARK, "linewidth": 2}, "boxprops": {"color": panels.GREY}}
    axes.boxplot(
        [speeds for _, speeds in groups], positions=range(len(groups)), orientation="horizontal", widths=0.62,
        showfliers=False, zorder=3, **look,
    )  # fmt: skip
    axes.set_yticks(
        range(len(groups)), [f"{panels.to_plain(name, longest=26)}, n = {len(speeds)}" for name, speeds in groups]
    )
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(left=0)
    unit = str(column).removeprefix("mean_speed_").replace("um", "µm").replace("_per_", "/")
    panels.style_axes(axes, x=f"mean speed of a track ({unit})", y="")
    single = len(table) - len(known)
    told = f"; {panels.count_of(single, 'track')} of one frame left out" if single else ""
    panels.add_heading(figure, f"n = {panels.count_of(len(known), 'track')}{told}")
    return figure


def plot_lineage(table: pd.DataFrame, *, longest: int = _MOST_TRACKS) -> Figure:
    """Plot who comes from whom in one sequence: one line per track over its frames, daughters beside their mother.

    Args:
        table: As `measure_tracks` returns it, of one sequence: `track`, `parent`, `begin`, `end`.
        longest: Most tracks drawn. Families with divisions come first, then those seen longest.

    Returns:
        The figure; without a track it says so.
    """
    if table.empty:
        return panels.create_note("There are no tracks.")
    order, families = _order_families(table)
    shown = order[:longest]
    rows = {track: place for place, track in enumerate(shown)}
    figure, (axes,) = panels.create_panels(1, columns=1, size=(5.8, max(1.4, 0.11 * len(shown) + 0.7)))
    for track, parent, begin, end in table[["track", "parent", "begin", "end"]].itertuples(index=False):
        if track not in rows:
            continue
        colour = to_hex(category_colour(_ORDER[families[track] % len(_ORDER)]))
        axes.plot([begin - 0.4, end + 0.4], [rows[track]] * 2, color=colour, linewidth=2.0, solid_capstyle="butt")
        if parent in rows:
            axes.plot([begin - 0.5] * 2, [rows[parent], rows[track]], color=panels.GREY, linewidth=0.8, zorder=1)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks([])
    panels.style_axes(axes, x="frame", y="tracks, daughters beside their mother")
    axes.grid(visible=False, axis="y")
    divisions = int((table.groupby("parent").size().drop(0, errors="ignore") > 1).sum())
    left_out = f", {len(order) - len(shown)} more not shown" if len(order) > len(shown) else ""
    heading = f"n = {panels.count_of(len(order), 'track')}, {panels.count_of(divisions, 'division')}{left_out}"
    panels.add_heading(figure, heading)
    return figure


def _order_families(table: pd.DataFrame) -> tuple[list[int], dict[int, int]]:
    """Return the tracks, each mother between her daughters, and the number of each track's family."""
    tracks = table.sort_values(["begin", "track"])
    children: dict[int, list[int]] = {}
    for track, parent in tracks[["track", "parent"]].itertuples(index=False):
        children.setdefault(parent, []).append(track)
    known = set(tracks["track"])
    roots = [t for t, p in tracks[["track", "parent"]].itertuples(index=False) if p not in known]
    seen = dict(zip(table["track"], table["end"] - table["begin"], strict=True))
    roots.sort(key=lambda root: (root not in children, -seen[root], root))
    order: list[int] = []
    families: dict[int, int] = {}
    for family, root in enumerate(roots):
        waiting = [(root, False)]
        while waiting:
            track, done = waiting.pop()
            own = children.get(track, [])
            if done or not own:
                order.append(track)
                families[track] = family
                continue
            half = (len(own) + 1) // 2
            waiting += [
                *((t, False) for t in reversed(own[half:])),
                (track, True),
                *((t, False) for t in reversed(own[:half])),
            ]
    return order, families
