"""The page about the counts of new images: the numbers, their intervals, and what speaks against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cell_pipelines.report.page.html import Section, Table, Text

if TYPE_CHECKING:
    import pandas as pd

_DEFINITIONS: Final = {
    "warning": "How the image or its cells differ from the images that the model was trained and validated on. A count "
    "with a warning may be wrong in a way that its interval does not cover.",
    "…_low, …_high": "Ends of the {level}interval of a count, for images like those of validation.",
}

_UNKNOWN: Final = (
    "The model file does not say what its training images were like, so these images were not compared with them."
)


def count_summary(counts: pd.DataFrame) -> dict[str, str]:
    """Return the headline numbers: images, cells, images with warnings and images that could not be read."""
    failed = counts["error"] != ""
    return {
        "Images": str(len(counts)),
        "Cells": str(int(counts["total"].sum())),
        "Images with warnings": str(int((counts["warning"] != "").sum())),
        "Images not read": str(int(failed.sum())),
    }


def count_sections(counts: pd.DataFrame, classes: Sequence[str], *, compared: bool = True) -> list[Section]:
    """Return the sections of the page.

    Args:
        counts: One row per image with `image`, `total`, `warning`, `error`, a column for each class, and their
            intervals, where there are any, with `interval_level` and `interval_note`.
        classes: Names of the classes' columns.
        compared: Whether the model file says what its training images were like.
    """
    ends = [f"{name}{end}" for name in (*classes, "total") for end in ("_low", "_high")]
    shown = [name for name in (*classes, "total", *ends) if name in counts and counts[name].notna().any()]
    shown = sorted(shown, key=lambda name: _place(name, classes))
    read = counts[counts["error"] == ""]
    sections = [_warnings(read, compared)]
    table = Table(read[["image", *shown, "warning"]], "Cells in each image.", _definitions(read))
    sections.append(Section("Counts", [table, *_interval_notes(read)]))
    failed = counts.loc[counts["error"] != "", ["image", "error"]].reset_index(drop=True)
    if len(failed):
        sections.append(Section("Images that could not be read", [Table(failed, "Why each was left out.")]))
    return sections


def unlike_sections(scores: pd.DataFrame) -> list[Section]:
    """Return the section about annotated images that differ from those of training; none where none is known to.

    Args:
        scores: One row per image with `image`, `split` and `warning`; without the last, from a version of before.
    """
    told = scores.loc[scores["warning"].fillna("") != ""] if "warning" in scores else scores.iloc[:0]
    if told.empty:
        return []
    table = told[["image", "split", "warning"]].reset_index(drop=True)
    text = f"{len(told)} of {len(scores)} images of validation and test differ from the training and validation images."
    return [Section("Images unlike the training images", [Text(text), Table(table, "How they differ.")])]


def _definitions(read: pd.DataFrame) -> dict[str, str]:
    """Return what columns mean, with the level of the intervals where there are any."""
    levels = sorted(set(read["interval_level"].dropna())) if "interval_level" in read else []
    told = " and ".join(f"{100 * level:g} %" for level in levels)
    return {name: text.format(level=f"{told} " if told else "") for name, text in _DEFINITIONS.items()}


def _interval_notes(read: pd.DataFrame) -> list[Text]:
    """Return what is said of the intervals of all images: why there are none, or why they are wide."""
    notes = dict.fromkeys(read["interval_note"].dropna()) if "interval_note" in read else {}
    return [Text(f"Intervals of counts: {note}.") for note in notes if note]


def _place(name: str, classes: Sequence[str]) -> tuple[int, int]:
    order = [*classes, "total"]
    for end, place in (("", 0), ("_low", 1), ("_high", 2)):
        owner = name.removesuffix(end) if end else name
        if owner in order and (not end or name.endswith(end)):
            return order.index(owner), place
    return len(order), 0


def _warnings(read: pd.DataFrame, compared: bool) -> Section:
    told = read.loc[read["warning"] != "", ["image", "total", "warning"]].reset_index(drop=True)
    if read.empty:
        return Section("Warnings", [Text("No image could be read.")])
    unknown = [] if compared else [Text(_UNKNOWN)]
    if told.empty:
        none = Text("No image differs from the training images in what is compared.")
        return Section("Warnings", unknown or [none])
    text = f"{len(told)} of {len(read)} images carry a warning. Look at their overlays before you use these counts."
    return Section("Warnings", [*unknown, Text(text), Table(told, "What speaks against these counts.")])
