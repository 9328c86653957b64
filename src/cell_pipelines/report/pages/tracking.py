"""The page of tracking: how far and how fast cells go, every track, how good tracks are, and the cells on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Links, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import format_numbers, readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRACKS: Final = {
    "straightness": "displacement / path length, 0 to 1; it falls with the number of frames",
    "mean_turning_cosine": "1 for a straight way, 0 for a random walk",
}
_SCORES: Final = {
    "tra, det, lnk": "how few corrections the whole graph, the cells, and the links need (Matula et al. 2015), 0 to 1",
    "seg": "mean IoU of the true cells, 0 for those not found",
    "valid": "whether the tracks keep the rules of the Cell Tracking Challenge",
    "true_tracks, tracks": "as the challenge counts them: a track with a gap is one before and one after it",
}
_PERSISTENCE: Final = {
    "persistence": "time over which a cell keeps its direction, from Fürth's formula, with a 95 % interval over tracks",
    "identifiable": "whether the data bound it",
}
_DISPLACEMENTS: Final = {
    "msd": "mean squared displacement: a track's mean over all its pairs of frames, then the mean over tracks",
    "low, high": "95 % interval with tracks as what is independent",
}


_SOURCES: Final = {
    "set": "as set",
    "estimated": "estimated as 1.5 times what 99 % of the displacements between nearest cells do not exceed",
    "default": "the default, since it could not be estimated: the log says why",
}


def tracking_cards(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the numbers at the top of the page."""
    tracks, scores = tables["tracks"], tables["scores"]
    speed = next(str(name) for name in tracks if str(name).startswith("mean_speed_"))
    cards = {
        "Tracks": f"{len(tracks)}",
        "Cells": f"{len(tables['cells'])}",
        "Divisions": f"{int((tracks['daughters'] > 0).sum())}",
        f"Median speed, {speed.removeprefix('mean_speed_').replace('_', ' ')}": f"{tracks[speed].median():.2f}",
    }
    if "tra" in scores and len(scores):
        cards["Mean TRA"] = format_numbers([float(scores["tra"].mean())])[0]
    return cards


def tracking_sections(
    tables: Mapping[str, pd.DataFrame],
    pictures: Sequence[tuple[str, Image]],
    figures: Sequence[Figure | Embedded],
) -> list[Section]:
    """Return the sections of the page.

    Args:
        tables: `cells`, `tracks`, `displacements`, `persistence`, `scores`.
        pictures: The last frame of some sequences with the cells' trails, and their names.
        figures: Of the ways of cells, of the speeds of tracks, and of the mean squared displacement.
    """
    from cell_pipelines.report.figures.tracks import plot_lineage

    tracks, displacements = tables["tracks"], tables["displacements"]
    ways, speeds, spread = figures
    moved = Section(
        "How cells move",
        [
            Picture(ways, "The way of each cell from a common origin"),
            Picture(speeds, "Mean speeds of tracks"),
            Picture(spread, "Mean squared displacement over time"),
            Table(readable(tables["persistence"]), "Speed and persistence that explain it", _PERSISTENCE),
            Table(readable(displacements), "Mean squared displacement", _DISPLACEMENTS),
        ],
    )
    divided = tracks[tracks["daughters"] > 0]["sequence"]
    if len(divided):
        most = str(divided.mode().iloc[0])
        lineage = plot_lineage(tracks[tracks["sequence"] == most])
        caption = f"Lineages in {most}, one line per track"
        moved = replace(moved, items=[*moved.items, Picture(lineage, caption)])
    films = {name.removesuffix(".png"): f"films/{name.removesuffix('.png')}.gif" for name, _ in pictures}
    told = Text("Exports for TrackMate and the Cell Tracking Challenge lie in export/ beside this page.")
    last = [Picture(image, f"{name.removesuffix('.png')}: the last frame") for name, image in pictures]
    shown = Section("Films", [*([Links(films)] if films else []), *last, told])
    sections = [shown, moved]
    if not tables["scores"].empty:
        caption = "Tracks beside the true ones, one row per sequence"
        sections.insert(0, Section("How good tracks are", [Table(readable(tables["scores"]), caption, _SCORES)]))
    every = Table(readable(tracks), "Every track", _TRACKS)
    return [*sections, Section("Tracks", [Text(_describe_reach(tables["cells"])), every])]


def _describe_reach(cells: pd.DataFrame) -> str:
    """Return how far cells were linked, by where that distance is from."""
    if "max_distance_source" not in cells or cells.empty:
        return "No cells were linked."
    reaches = cells.groupby("sequence")[["max_distance_px", "max_distance_source"]].first()
    parts = []
    for source, own in reaches.groupby("max_distance_source")["max_distance_px"]:
        low, high = (f"{value:.1f}" for value in (own.min(), own.max()))
        shown = low if low == high else f"{low} to {high}"
        parts.append(f"{shown} px in {len(own)} sequence{'s' * (len(own) > 1)} ({_SOURCES[str(source)]})")
    return f"Cells were linked to the next frame up to {'; '.join(parts)}."
