"""Tracks in the layout of the Cell Tracking Challenge: label images whose values are tracks, and a list of the tracks.

Results stand in ``01_RES`` (``mask000.tif``, ``res_track.txt``), truth in ``01_GT`` (``TRA/man_track000.tif``,
``TRA/man_track.txt``, ``SEG/man_seg000.tif``); a line of the list is track, first frame, last frame and parent. The
challenge knows no gaps: a track that is not seen in a frame ends there, and what follows is a new track whose only
parent it is. Its frames count from 0 without a break: a frame that was not taken is an empty image.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.tracking.positions import frames_of
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_images
from cell_pipelines.files import atomic_folder
from cell_pipelines.imaging.writing import write_image

_log = logging.getLogger(__name__)

_MOST_TRACKS: Final = 65_535  # in 16 bit
_COLUMNS: Final = {
    "sequence": "str", "folder": "str", "label": "int64", "begin": "int64", "end": "int64", "parent": "int64",
    "track": "int64",
}  # fmt: skip


def write_ctc(
    linked: pd.DataFrame, cells: AnnotationSet, facts: pd.DataFrame, folder: Path, *, truth: bool = False
) -> pd.DataFrame:
    """Write every sequence in the layout of the Cell Tracking Challenge, 16 bit.

    Args:
        linked: As `link_cells` or `true_tracks` returns it, of the cells of `cells`.
        cells: The cells, as masks, polygons or boxes. Where they overlap, the first keeps the pixel; a cell that is
            wholly hidden is missing in that frame and noted in the log.
        facts: As for `cell_positions`; they name also the frames without cells.
        folder: Where ``01_RES`` or ``01_GT`` is made, ``02_…`` for the second sequence by name, and so on; one that
            is there already is replaced.
        truth: Whether to write truth instead of results.

    Returns:
        One row per line of the lists: `sequence`, `folder`, `label`, `begin`, `end`, `parent` as written, and `track`,
        the track of `linked`.

    Raises:
        ValueError: Points have no pixels, images of a sequence differ in size, a cell of `linked` is not in `cells`,
            or a sequence has more than 65535 tracks. Its folder is not written.
    """
    tables = [
        _write_sequence(linked, sequence, folder / f"{number:02d}_{'GT' if truth else 'RES'}", truth)
        for number, sequence in enumerate(sequences(cells, facts), start=1)
    ]
    return pd.concat([pd.DataFrame(columns=list(_COLUMNS)).astype(_COLUMNS), *tables], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Sequence:
    """One time-lapse.

    Attributes:
        name: Its name.
        cells: Its images in the order of their frames.
        places: (N,) int64, the frame of each image from 0; what is left out was not taken.
    """

    name: str
    cells: AnnotationSet
    places: npt.NDArray[np.int64]


def sequences(cells: AnnotationSet, facts: pd.DataFrame) -> Iterator[Sequence]:
    """Yield the time-lapses of a set by name, as `frames_of` finds them."""
    frames = frames_of(cells, facts).sort_values(["sequence", "frame"])
    for name, own in frames.groupby("sequence", sort=True):
        numbers = own["frame"].to_numpy(np.int64)
        yield Sequence(str(name), select_images(cells, own.index.to_numpy(np.int64)), numbers - numbers[0])


def _write_sequence(linked: pd.DataFrame, sequence: Sequence, target: Path, truth: bool) -> pd.DataFrame:
    digits = max(3, len(str(sequence.places[-1])))
    with atomic_folder(target) as made:
        lines = Lines()
        for frame, labels in track_images(linked, sequence, lines):
            if len(lines.rows) > _MOST_TRACKS:
                raise ValueError(
                    f"sequence {sequence.name!r} must have at most {_MOST_TRACKS} tracks, which is what 16 bit hold, "
                    f"got more by frame {frame}."
                )
            for name in _image_names(f"{frame:0{digits}d}", truth):
                write_image(labels.astype(np.uint16), made / name)
        lines.write(made / ("TRA/man_track.txt" if truth else "res_track.txt"))
    return lines.table(sequence.name, target.name)


def _image_names(number: str, truth: bool) -> tuple[str, ...]:
    return (f"TRA/man_track{number}.tif", f"SEG/man_seg{number}.tif") if truth else (f"mask{number}.tif",)


@dataclass(frozen=True, eq=False)
class Lines:
    """The list of tracks, which grows frame by frame.

    Attributes:
        rows: label, first frame, last frame, parent label and track of each line; labels count from 1.
        latest: The last label of each track.
    """

    rows: list[list[int]] = field(default_factory=list)
    latest: dict[int, int] = field(default_factory=dict)

    def label(self, track: int, parent: int, frame: int) -> int:
        """Return the label of a track in a frame, a new one where it begins, or goes on after a gap."""
        label = self.latest.get(track, 0)
        if not label or self.rows[label - 1][2] < frame - 1:
            before = label or self.latest.get(parent, 0)
            self.rows.append([len(self.rows) + 1, frame, frame, before, track])
            label = self.latest[track] = len(self.rows)
        self.rows[label - 1][2] = frame
        return label

    def write(self, path: Path) -> None:
        """Write the list as the challenge has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(" ".join(map(str, row[:4])) + "\n" for row in self.rows)
        path.write_text(text, encoding="utf-8", newline="\n")

    def table(self, sequence: str, folder: str) -> pd.DataFrame:
        """Return the list as a table."""
        numbers = np.array(self.rows, dtype=np.int64).reshape(-1, 5)
        names = ("label", "begin", "end", "parent", "track")
        columns: dict[str, Any] = dict(zip(names, numbers.T, strict=True))
        table = pd.DataFrame({"sequence": sequence, "folder": folder, **columns}, index=range(len(numbers)))
        return table.astype(_COLUMNS)


def track_images(linked: pd.DataFrame, sequence: Sequence, lines: Lines) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield every frame from 0 with its labels (H, W) int64, also those not taken, and add their tracks to `lines`."""
    own = linked[linked["sequence"] == sequence.name]
    by_image = dict(list(own.groupby("image", sort=False)))
    shape = _common_shape(sequence)
    done = 0
    for place, one in zip(sequence.places.tolist(), iterate_images(sequence.cells), strict=True):
        for missing in range(done, place):
            yield missing, np.zeros(shape, dtype=np.int64)
        done = place + 1
        yield place, _draw(one, by_image.get(one.names[0], own.iloc[:0]), place, lines)


def _common_shape(sequence: Sequence) -> tuple[int, int]:
    images = sequence.cells.images
    shapes = set(zip(images["height"].to_pylist(), images["width"].to_pylist(), strict=True))
    if len(shapes) > 1:
        raise ValueError(f"images of sequence {sequence.name!r} must have one size, got {sorted(shapes)}.")
    height, width = shapes.pop()
    return int(height), int(width)


def _draw(one: AnnotationSet, tracked: pd.DataFrame, frame: int, lines: Lines) -> npt.NDArray[np.int64]:
    if (one.objects["geometry"].to_numpy() == GEOMETRIES.index("point")).any():
        raise ValueError(f"{one.names[0]}: cells must be masks, polygons or boxes, got points, which have no pixels.")
    if tracked["object"].max() >= one.n_objects:
        raise ValueError(
            f"{one.names[0]}: `linked` must be of the same cells, got object {tracked['object'].max()} of "
            f"{one.n_objects}."
        )
    labels, _ = objects_to_labels(one)
    seen = np.bincount(labels.ravel(), minlength=one.n_objects + 1)[1:] > 0
    values = np.zeros(one.n_objects + 1, dtype=np.int64)
    for place, track, parent in tracked[["object", "track", "parent"]].sort_values("track").itertuples(index=False):
        if seen[place]:
            values[place + 1] = lines.label(track, parent, frame)
    hidden = int((~seen[tracked["object"].to_numpy()]).sum())
    if hidden:
        _log.warning("%s: %d cells are wholly hidden by others and left out of this frame.", one.names[0], hidden)
    return values[labels]
