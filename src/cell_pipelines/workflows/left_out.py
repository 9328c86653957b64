"""Find among images what is no field of cells of its own: masks, drawings, copies and thumbnails of others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.imaging.array_image import ArrayImage
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.imaging.signatures import find_alike

#: Files that are among the results of a count.
_RESULTS = ("counts.csv", "cells.csv", "report.html")
_REPORTS = "08_reporting"
_LOSSY = (".jpg", ".jpeg")
_SAID = "not counted, since {}; given alone it is"
_FLAT = "it looks like a mask or label image, which holds no picture of cells"
_RESULT = "it lies among the results of an earlier count"
_ALIKE = "it looks the same as another of these images, so its cells may be in the total twice"


@dataclass(frozen=True)
class _Picture:
    """One image that was read."""

    name: str
    file: ImageFile
    size: tuple[int, int]
    signature: str | None
    contrast: float | None
    is_flat: bool

    @classmethod
    def from_note(cls, name: str, file: ImageFile, size: tuple[int, int], note: Mapping[str, Any]) -> "_Picture":
        """Take what is needed of all that was noted when the image was read."""
        statistics = note.get("statistics", {})
        contrast = statistics.get("contrast")
        is_flat = bool(statistics.get("is_flat") and contrast > 0)
        return cls(name, file, size, note.get("signature") or None, contrast, is_flat)

    @property
    def rank(self) -> tuple[int, bool, str]:
        """Order of copies: the largest is counted, else one without loss, else the first by name."""
        return -self.size[0] * self.size[1], self.file.path.suffix.lower() in _LOSSY, self.name


def find_left_out(
    images: Mapping[str, ImageFile], scores: pd.DataFrame, folder: Path
) -> tuple[dict[str, str], set[str]]:
    """Return which of several image files are not to be counted, each with why, and which look the same as another.

    Masks and label images, results of an earlier count, and copies of another image are left out where other images
    remain: those of one picture in two sizes, with the same pixels, or of related names (``a.tif``, ``a_overlay.png``).
    Images that look the same and are none of these, such as frames of a film, are named only. Arrays are all counted.

    Args:
        images: The images by name.
        scores: The table of `score_images`.
        folder: Where the files that it names lie.
    """
    pictures = _read(images, scores, folder)
    reasons = {one.name: reason for one in pictures if (reason := _reason(one))}
    others = sorted((one for one in pictures if one.name not in reasons), key=lambda one: one.rank)
    if not others or all(one.contrast == 0 for one in others):
        reasons, others = {}, sorted(pictures, key=lambda one: one.rank)
    copies, alike = _find_copies(others)
    return reasons | copies, alike


def _read(images: Mapping[str, ImageFile], scores: pd.DataFrame, folder: Path) -> list[_Picture]:
    from cell_pipelines.inference.stored import read_note

    read = scores[(scores["error"] == "") & scores["image"].map(lambda name: not isinstance(images[name], ArrayImage))]
    if len(read) < 2:
        return []
    rows = zip(read["image"], read["height"], read["width"], read["file"], strict=True)
    return [
        _Picture.from_note(name, images[name], (int(height), int(width)), read_note(folder / file))
        for name, height, width, file in rows
    ]


def _reason(picture: _Picture) -> str:
    places = picture.file.path.parents
    if _REPORTS in {place.name for place in places} or any(_is_result(place) for place in places):
        return _RESULT
    return _FLAT if picture.is_flat else ""


def _is_result(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _RESULTS)


def _find_copies(pictures: list[_Picture]) -> tuple[dict[str, str], set[str]]:
    known = [one for one in pictures if one.signature]
    copies, alike = dict[str, str](), set[str]()
    for place, first in find_alike([one.signature or "" for one in known]).items():
        one, other = known[place], known[first]
        if one.file.path == other.file.path and one.size == other.size:
            continue
        if one.size != other.size:
            copies[one.name] = f"it looks like {other.name} in another size"
        elif one.signature == other.signature or are_related(one.file.path, other.file.path):
            copies[one.name] = f"it looks like a copy of {other.name}"
        else:
            alike.add(one.name)
    return copies, alike


def are_related(one: Path, other: Path) -> bool:
    """Say whether the names of two files are the same but for the ending, or but for a word in front or behind.

    >>> are_related(Path("a.tif"), Path("a_overlay.png")), are_related(Path("a.tif"), Path("thumbnail a.jpg"))
    (True, True)
    >>> are_related(Path("t_1.tif"), Path("t_2.tif")), are_related(Path("t.tif"), Path("t_02.tif"))
    (False, False)
    """
    short, long = sorted((one.stem.casefold(), other.stem.casefold()), key=len)
    if short == long:
        return True
    rest = long.removeprefix(short) if long.startswith(short) else long.removesuffix(short)
    is_apart = not (rest[0] if long.startswith(short) else rest[-1]).isalnum()
    return rest != long and is_apart and re.search(r"[^\W\d_]{3}", rest) is not None


def with_left_out(scores: pd.DataFrame, reasons: Mapping[str, str], alike: set[str]) -> pd.DataFrame:
    """Return the table of scores with a column `left_out`, and with a warning for images that look like another."""
    table = scores.assign(left_out=[_SAID.format(reasons[n]) if n in reasons else "" for n in scores["image"]])
    table["warning"] = [
        "; ".join(filter(None, [text, _ALIKE if name in alike else ""]))
        for name, text in zip(table["image"], table["warning"], strict=True)
    ]
    return table


def is_counted(table: pd.DataFrame) -> "pd.Series[bool]":
    """Return for each row of a table of counts whether its image is among those that are counted, (N,) bool."""
    is_left_out = table["left_out"].fillna("") != "" if "left_out" in table else table["image"].isna()
    return (table["error"].fillna("") == "") & ~is_left_out
