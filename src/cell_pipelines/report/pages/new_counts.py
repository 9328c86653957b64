"""The page about the counts of new images: the numbers, their intervals, and what speaks against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.page.html import Picture, Section, Table, Text
from cell_pipelines.report.page.tables import defined

if TYPE_CHECKING:
    import pandas as pd

_DEFINITIONS: Final = {
    "warning": "Whether something speaks against the count; see Warnings. Such a count may be wrong in a way "
    "that its interval does not cover.",
    "…_low, …_high": "Ends of the {level}interval of a count, for images like those of validation.",
}

# A page must open quickly, however many images there are.
_MOST_ROWS: Final = 200

_PICTURES: Final = (
    "Some images with what was counted, one colour for each class. What has no outline or frame was not counted. All "
    "images are in the folder overlays, if they were asked for."
)

_REGIONS: Final = {
    "region": "Number of the region in its image, in the order of the annotations.",
    "area_px2": "Area of the region within the image, in square pixels.",
    "cells_per_megapixel": "Cells per million pixels of the region.",
    "cells_per_mm2": "Cells per square millimetre of the region.",
}

_STACKS: Final = {
    "cells_in_slices": "Cells counted in all slices of the stack.",
    "objects": "Objects in three dimensions that these cells are linked to.",
    "slices_per_object": "Slices in which an object is seen, on average.",
    "mean_volume_um3": "Mean volume of an object in cubic micrometres: its areas in all slices times their distance.",
}

_LEFT_OUT: Final = "Why the image is not counted among the others."

_UNKNOWN: Final = (
    "The model file does not say what its training images were like, so these images were not compared with them."
)


def count_summary(counts: pd.DataFrame) -> dict[str, str]:
    """Return the headline numbers: images, cells, images with warnings and images that could not be read."""
    failed, left_out = counts["error"] != "", _left_out(counts)
    return {
        "Images": str(len(counts)),
        "Cells": str(int(counts.loc[~left_out, "total"].sum())),
        "Images with warnings": str(int((counts["warning"] != "").sum())),
        **({"Images left out": str(int(left_out.sum()))} if left_out.any() else {}),
        "Images not read": str(int(failed.sum())),
    }


def _left_out(counts: pd.DataFrame) -> pd.Series[bool]:
    return counts["left_out"] != "" if "left_out" in counts else counts["error"].isna()


def count_sections(
    counts: pd.DataFrame,
    classes: Sequence[str],
    *,
    account: Sequence[str] = (),
    folders: pd.DataFrame | None = None,
    pictures: Sequence[tuple[str, Image]] = (),
    compared: bool = True,
) -> list[Section]:
    """Return the sections of the page, of a size that many images do not change.

    Args:
        counts: One row per image with `image`, `total`, `warning`, `left_out`, `error`, a column for each class, and
            their intervals, where there are any, with `interval_level` and `interval_note`.
        classes: Names of the classes' columns.
        account: What was counted and how, a paragraph each.
        folders: Totals of each folder; None where there is one only.
        pictures: Some images with their cells, after what is said of each.
        compared: Whether the model file says what its training images were like.
    """
    read = counts[(counts["error"] == "") & ~_left_out(counts)]
    totals = [] if folders is None else [_table(folders, "Cells by folder.")]
    sections = [Section("What was counted", [Text("\n\n".join(account)), *totals])] if account else []
    if pictures:
        shown = [Picture(image, caption) for caption, image in pictures]
        sections.append(Section("Pictures", [Text(_PICTURES), *shown]))
    sections += [_warnings(read, compared), Section("Counts", [_counts(read, classes), *_interval_notes(read)])]
    if _left_out(counts).any():
        told = counts.loc[_left_out(counts), ["image", "left_out"]].reset_index(drop=True)
        sections.append(Section("Images left out", [_table(told, "Why each is in no total.", {"left_out": _LEFT_OUT})]))
    failed = counts.loc[counts["error"] != "", ["image", "error"]].reset_index(drop=True)
    if len(failed):
        sections.append(Section("Images that could not be read", [_table(failed, "Why each was left out.")]))
    return sections


def region_section(table: pd.DataFrame, said: Sequence[str]) -> Section:
    """Return the section about counts in annotated regions.

    Args:
        table: One row per region.
        said: What is said of the counts, a paragraph each.
    """
    return _described("Counts in regions", table, said, ("Cells in each region.", "regions.csv", _REGIONS))


def stack_section(table: pd.DataFrame, said: Sequence[str]) -> Section:
    """Return the section about objects in stacks.

    Args:
        table: One row per stack.
        said: What is said of the objects, a paragraph each.
    """
    return _described("Objects in stacks", table, said, ("Objects in each stack.", "objects.csv", _STACKS))


def _described(
    title: str, table: pd.DataFrame, said: Sequence[str], shown: tuple[str, str, Mapping[str, str]]
) -> Section:
    caption, file, definitions = shown
    if len(table) > _MOST_ROWS:
        caption += f" The first {_MOST_ROWS} of {len(table)} rows; {file} beside this page has all."
    rows = Table(table.head(_MOST_ROWS), caption, defined(table, definitions))
    return Section(title, [Text("\n\n".join(said)), rows])


def _counts(read: pd.DataFrame, classes: Sequence[str]) -> Table:
    # Of one class the count is the total.
    several = classes if len(classes) > 1 else ()
    names = [f"{name}{end}" for name in (*several, "total") for end in ("", "_low", "_high")]
    shown = [name for name in names if name in read and read[name].notna().any()]
    table = read[["image", *shown]].reset_index(drop=True)
    if (read["warning"] != "").nunique() > 1:
        table["warning"] = ["yes" if text else "" for text in read["warning"]]
    return _table(table, "Cells in each image.", defined(table, _definitions(read)))


def _table(frame: pd.DataFrame, caption: str, definitions: Mapping[str, str] | None = None) -> Table:
    """Return a table with so many rows as a page can hold; its caption says where the others are."""
    if len(frame) > _MOST_ROWS:
        caption += f" The first {_MOST_ROWS} of {len(frame)} rows; counts.csv beside this page has all images."
    return Table(frame.head(_MOST_ROWS), caption, definitions or {})


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


def _warnings(read: pd.DataFrame, compared: bool) -> Section:
    if read.empty:
        return Section("Warnings", [Text("No image could be read.")])
    unknown = [] if compared else [Text(_UNKNOWN)]
    warned = read[read["warning"] != ""]
    if warned.empty:
        return Section("Warnings", unknown or [Text("No image differs from the training images in what is compared.")])
    text = f"{len(warned)} of {len(read)} images carry a warning. Look at their overlays before you use these counts."
    common = _of_all(read["warning"])
    said = [Text(f"All {len(read)} images: {one}.") for one in common]
    told = warned[["image", "total", "warning"]].reset_index(drop=True)
    told["warning"] = ["; ".join(one for one in text.split("; ") if one not in common) for text in told["warning"]]
    told = told[told["warning"] != ""].reset_index(drop=True)
    table = [_table(told, "What speaks against these counts.")] if len(told) else []
    return Section("Warnings", [*unknown, Text(text), *said, *table])


def _of_all(warnings: pd.Series[str]) -> list[str]:
    """Return what is said of every image, where there are several."""
    several = [text.split("; ") for text in warnings]
    return [one for one in several[0] if one and all(one in texts for texts in several)] if len(several) > 1 else []
