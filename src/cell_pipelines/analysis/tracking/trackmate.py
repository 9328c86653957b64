"""Tracks as TrackMate 7 (Fiji) exports them: tables of spots, edges and tracks, each with four header rows.

What TrackMate calls per track is a whole family: a cell, its daughters and theirs have one ``TRACK_ID``, from 0, and
divisions are edges from one spot to two. Our own numbers stand in ``CELL_TRACK``.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.tracking.units import TrackUnits
from cell_pipelines.files import atomic_path
from cell_pipelines.inside_paths import resolve_inside
from cell_pipelines.spreadsheet_text import protect

# Column: name, short name, unit, in which L is the unit of length and T that of time.
_SPOTS: Final = {
    "LABEL": ("Label", "Label", ""), "ID": ("Spot ID", "Spot ID", ""), "TRACK_ID": ("Track ID", "Track ID", ""),
    "QUALITY": ("Quality", "Quality", "(quality)"), "POSITION_X": ("X", "X", "(L)"), "POSITION_Y": ("Y", "Y", "(L)"),
    "POSITION_Z": ("Z", "Z", "(L)"), "POSITION_T": ("T", "T", "(T)"), "FRAME": ("Frame", "Frame", ""),
    "RADIUS": ("Radius", "R", "(L)"), "VISIBILITY": ("Visibility", "Visibility", ""),
    "CELL_TRACK": ("Cell track", "Cell track", ""),
}  # fmt: skip
_EDGES: Final = {
    "LABEL": ("Label", "Label", ""), "TRACK_ID": ("Track ID", "Track ID", ""),
    "SPOT_SOURCE_ID": ("Source spot ID", "Source ID", ""), "SPOT_TARGET_ID": ("Target spot ID", "Target ID", ""),
    "LINK_COST": ("Edge cost", "Cost", "(cost)"), "SPEED": ("Speed", "Speed", "(L/T)"),
    "DISPLACEMENT": ("Displacement", "Disp.", "(L)"), "EDGE_TIME": ("Edge time", "Edge T", "(T)"),
}  # fmt: skip
_TRACKS: Final = {
    "LABEL": ("Label", "Label", ""), "TRACK_INDEX": ("Track index", "Index", ""),
    "TRACK_ID": ("Track ID", "ID", ""), "NUMBER_SPOTS": ("Number of spots in track", "N spots", ""),
    "NUMBER_GAPS": ("Number of gaps", "N gaps", ""), "NUMBER_SPLITS": ("Number of split events", "N splits", ""),
    "NUMBER_MERGES": ("Number of merge events", "N merges", ""), "LONGEST_GAP": ("Longest gap", "Lgst gap", ""),
    "TRACK_DURATION": ("Track duration", "Duration", "(T)"), "TRACK_START": ("Track start", "Track start", "(T)"),
    "TRACK_STOP": ("Track stop", "Track stop", "(T)"),
}  # fmt: skip
_HEADERS: Final = {"spots": _SPOTS, "edges": _EDGES, "tracks": _TRACKS}
_RADIUS_PX: Final = 5.0  # of a cell without area


def trackmate_spots(
    linked: pd.DataFrame,
    *,
    pixel_size_um: float | tuple[float, float] | None = None,
    frame_interval_min: float | None = None,
    first_frame: int = 0,
) -> pd.DataFrame:
    """Return the spots of one sequence in TrackMate's columns, one row per cell in the order of `linked`.

    Args:
        linked: As `link_cells` returns it, of one sequence.
        pixel_size_um: Side of a pixel, or its height and width, for positions in micron; None: pixels.
        frame_interval_min: Minutes from a frame to the next, for times in min; None: frames.
        first_frame: Number of the frame that TrackMate counts as 0.

    Returns:
        Columns LABEL, ID (from 0), TRACK_ID (the family), QUALITY (1), POSITION_X and _Y (from the centre of the
        first pixel), POSITION_Z (0), POSITION_T, FRAME, RADIUS (of a disc of the cell's area; 5 pixels where it has
        none), VISIBILITY (1) and CELL_TRACK.

    Raises:
        ValueError: `linked` holds several sequences.
    """
    if linked["sequence"].nunique() > 1:
        names = ", ".join(map(repr, linked["sequence"].unique()[:3]))
        raise ValueError(f"`linked` must be of one sequence, since a table belongs to one time-lapse, got {names}.")
    units = TrackUnits.of(pixel_size_um, frame_interval_min)
    places, number = units.places(linked), np.arange(len(linked))
    frame = linked["frame"].to_numpy(np.int64) - first_frame
    area = linked["area_px2"].to_numpy(np.float64) if "area_px2" in linked else np.full(len(linked), np.nan)
    radius = np.where(area > 0, np.sqrt(area / np.pi), _RADIUS_PX) * np.sqrt(np.prod(units.pixel_size_um or (1.0, 1.0)))
    values = (
        [f"ID{n}" for n in number], number, _families(linked), np.ones(len(linked)), places[:, 1], places[:, 0],
        np.zeros(len(linked)), frame * units.per_frame, frame, radius, np.ones(len(linked), np.int64),
        linked["track"].to_numpy(np.int64),
    )  # fmt: skip
    return pd.DataFrame(dict(zip(_SPOTS, values, strict=True))).astype({"LABEL": "str"})


def _families(linked: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the number of each cell's family, from 0 in the order of their first tracks."""
    tracks = dict(zip(linked["track"].tolist(), linked["parent"].tolist(), strict=True))
    root: dict[int, int] = {}
    for track, parent in tracks.items():
        above = [track]
        while parent and above[-1] not in root:
            above.append(parent)
            parent = tracks.get(parent, 0)
        root.update(dict.fromkeys(above, root.get(above[-1], above[-1])))
    roots = {track: place for place, track in enumerate(sorted(set(root.values())))}
    return np.array([roots[root[track]] for track in linked["track"].tolist()], dtype=np.int64)


def trackmate_edges(
    linked: pd.DataFrame,
    *,
    pixel_size_um: float | tuple[float, float] | None = None,
    frame_interval_min: float | None = None,
    first_frame: int = 0,
) -> pd.DataFrame:
    """Return the links of one sequence in TrackMate's columns; arguments as for `trackmate_spots`.

    Returns:
        One row per link: LABEL, TRACK_ID, SPOT_SOURCE_ID, SPOT_TARGET_ID, LINK_COST (squared distance), SPEED,
        DISPLACEMENT and EDGE_TIME. A mother's last spot is the source of two.
    """
    spots = trackmate_spots(
        linked, pixel_size_um=pixel_size_um, frame_interval_min=frame_interval_min, first_frame=first_frame
    )
    source, target = _links(linked)
    moved = (
        spots[["POSITION_X", "POSITION_Y"]].to_numpy()[target] - spots[["POSITION_X", "POSITION_Y"]].to_numpy()[source]
    )
    time = spots["POSITION_T"].to_numpy()
    length = np.hypot(*moved.T)
    values = (
        [f"ID{a} → ID{b}" for a, b in zip(source, target, strict=True)], spots["TRACK_ID"].to_numpy()[source], source,
        target, length**2, length / (time[target] - time[source]), length, (time[source] + time[target]) / 2,
    )  # fmt: skip
    return pd.DataFrame(dict(zip(_EDGES, values, strict=True))).astype({"LABEL": "str"})


def _links(linked: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows of `linked` that are linked: within tracks, and from the last cell of a mother to daughters."""
    ordered = linked[["track", "frame", "parent"]].assign(row=np.arange(len(linked))).sort_values(["track", "frame"])
    rows, track = ordered["row"].to_numpy(np.int64), ordered["track"].to_numpy(np.int64)
    same = np.flatnonzero(track[1:] == track[:-1])
    begins = ordered.drop_duplicates("track").query("parent > 0")
    lasts = ordered.drop_duplicates("track", keep="last").set_index("track")["row"]
    mothers = lasts.reindex(begins["parent"]).to_numpy()
    source = np.concatenate([rows[same], mothers]).astype(np.int64)
    target = np.concatenate([rows[same + 1], begins["row"].to_numpy()]).astype(np.int64)
    order = np.lexsort([target, source])
    return source[order], target[order]


def trackmate_tracks(
    linked: pd.DataFrame, *, frame_interval_min: float | None = None, first_frame: int = 0
) -> pd.DataFrame:
    """Return the families of one sequence in TrackMate's columns, a row each, as `trackmate_spots` numbers them."""
    per_frame = TrackUnits.of(None, frame_interval_min).per_frame
    spots = trackmate_spots(linked, first_frame=first_frame)
    source, target = _links(linked)
    family, frame = spots["TRACK_ID"].to_numpy(), spots["FRAME"].to_numpy()
    links = pd.DataFrame({"family": family[source], "source": source, "passed": frame[target] - frame[source]})
    own = spots.groupby("TRACK_ID")["FRAME"].agg(["size", "min", "max"])
    numbers = own.index
    longest = links.groupby("family")["passed"].max().reindex(numbers).fillna(1).to_numpy(np.int64) - 1
    gaps = links[links["passed"] > 1].groupby("family").size().reindex(numbers).fillna(0).to_numpy(np.int64)
    splits = links[links.duplicated("source")].groupby("family").size().reindex(numbers).fillna(0).to_numpy(np.int64)
    start, stop = (own[side].to_numpy() * per_frame for side in ("min", "max"))
    values = (
        [f"Track_{n}" for n in numbers], np.arange(len(own)), numbers.to_numpy(), own["size"].to_numpy(), gaps, splits,
        np.zeros(len(own), np.int64), longest, stop - start, start, stop,
    )  # fmt: skip
    return pd.DataFrame(dict(zip(_TRACKS, values, strict=True))).astype({"LABEL": "str"})


def write_trackmate(
    linked: pd.DataFrame,
    folder: Path,
    *,
    pixel_size_um: float | tuple[float, float] | None = None,
    frame_interval_min: float | None = None,
    first_frame: int = 0,
) -> list[Path]:
    """Write ``<sequence>_spots.csv``, ``_edges.csv`` and ``_tracks.csv`` for each sequence; arguments as above.

    Returns:
        The files written.
    """
    units = TrackUnits.of(pixel_size_um, frame_interval_min)
    written = []
    time = {"frame_interval_min": frame_interval_min, "first_frame": first_frame}
    for sequence, own in linked.groupby("sequence", sort=True):
        tables: dict[str, pd.DataFrame] = {
            "spots": trackmate_spots(own, pixel_size_um=pixel_size_um, **time),  # type: ignore[arg-type]
            "edges": trackmate_edges(own, pixel_size_um=pixel_size_um, **time),  # type: ignore[arg-type]
            "tracks": trackmate_tracks(own, **time),  # type: ignore[arg-type]
        }
        for kind, table in sorted(tables.items()):
            path = resolve_inside(folder, f"{sequence}_{kind}.csv")
            _write_table(table, _HEADERS[kind], units, path)
            written.append(path)
    return written


def _write_table(table: pd.DataFrame, header: dict[str, tuple[str, str, str]], units: TrackUnits, path: Path) -> None:
    length, time = ("micron" if units.length == "um" else "pixel"), ("min" if units.time == "min" else "frame")
    rows = [[header[str(name)][part] for name in table] for part in range(3)]
    rows[2] = [unit.replace("L", length).replace("T", time) for unit in rows[2]]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(rows)
        writer.writerows(list(map(protect, row)) for row in table.itertuples(index=False))
