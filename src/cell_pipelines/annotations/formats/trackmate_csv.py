"""TrackMate's spot tables (Fiji), of all versions: one header row, or three more with names and units.

Positions count from the centre of the first pixel, in the unit of the image: micron become pixels by the pixel size.
Track, frame, quality, radius and depth are kept as attributes as the table gives them. Spots have no class. A table
belongs to one image or film: the one of its name (but for an ending such as ``_spots``), or the only one. A spot
belongs to the image of its frame.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects import attribute_text
from cell_pipelines.annotations.formats.objects.attribute_columns import AttributeReader
from cell_pipelines.annotations.formats.objects.point_tables import Point, PointReader, points_by_image, read_points
from cell_pipelines.annotations.formats.parts.trackmate_xml import (
    KEPT,
    MICRON_UNITS,
    PIXEL_UNITS,
    read_session,
    xml_files,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.formats.sources.planes import Position, choose_planes
from cell_pipelines.annotations.formats.sources.tables import (
    Table,
    data_files,
    evidence,
    fitting_rows,
    peek_header,
    read_table,
    to_numbers,
    to_text,
    write_table,
)
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

CAPABILITIES = Capabilities(geometries=("point",), scores=False, attributes=KEPT, classes="one")
SUMMARY = "TrackMate CSV: tables of spots with track, frame, quality and radius (Fiji); read, also its XML."

_X, _Y = "position_x", "position_y"
_HEADER = ("LABEL", "ID", *KEPT[:2], "POSITION_X", "POSITION_Y", *KEPT[2:])
_NAMES = {"LABEL": "Label", "ID": "Spot ID", "TRACK_ID": "Track ID", "POSITION_X": "X", "POSITION_Y": "Y"}
_UNITS = {"POSITION_X": "(pixel)", "POSITION_Y": "(pixel)", "RADIUS": "(pixel)", "QUALITY": "(quality)"}
_ENDING = re.compile(r"[-_ .]*(all)?[-_ ]*spots([-_ ](in[-_ ]tracks|table|statistics))?$", re.IGNORECASE)
_EXTRA_ROWS = 3


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".csv") if _is_spots(path))
    table = evidence(folder, found, "a table with the columns POSITION_X and POSITION_Y")
    return table or evidence(folder, xml_files(folder), "an XML file of TrackMate")


def _is_spots(path: Path) -> bool:
    return {_X, _Y} <= set(peek_header(path))


def read(
    folder: Path,
    images: ImageIndex,
    *,
    image: str | None = None,
    pixel_size_um: float | None = None,
    class_name: str = "cell",
    **options: Any,
) -> Conversion:
    """Read every spot table, and every XML file of TrackMate, below `folder`.

    Args:
        folder: Where the tables lie, at any depth.
        images: The images that are there.
        image: Name of the image that all spots belong to; None finds it by the table's name.
        pixel_size_um: Side of a pixel in micron, for tables in micron; None takes it from the image, else 1.
        class_name: The class of all spots.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `pixel_size_um` is not positive.
    """
    if pixel_size_um is not None and not 0 < pixel_size_um < float("inf"):
        raise ValueError(f"`pixel_size_um` must be a positive number, got {pixel_size_um!r}.")
    collector = AnnotationCollector(images, **{**options, "classes": options.get("classes") or [class_name]})
    paths = [path for path in data_files(folder, ".csv") if _is_spots(path)]
    sessions = xml_files(folder)
    for path in sessions:
        alone = len(sessions) == 1 and not paths
        read_session(collector, folder, path, (image, pixel_size_um, class_name), alone=alone)
    for path in paths:
        file = path.relative_to(folder).as_posix()
        try:
            table = read_table(path)
            unit, rows = _without_extra_rows(table, fitting_rows(collector, file, table))
        except ValueError as error:
            collector.skip_file(file, str(error))
            continue
        stem = _ENDING.sub("", PurePosixPath(file).stem)
        planes = choose_planes(collector, file, *filter(None, [stem]), image=image, alone=len(paths) == 1)
        scale = 1.0
        if unit not in PIXEL_UNITS and planes.records:
            scale = 1 / (pixel_size_um or _pixel_size(collector, file, unit, planes.records[0]))
        reader = replace(_reader(table), scale=scale, default=class_name)
        read_points(collector, planes, reader, rows, partial(_position, table.column("frame")))
    return collector.finish("trackmate_csv")


def _without_extra_rows(
    table: Table, rows: Iterator[tuple[int, list[str]]]
) -> tuple[str, Iterable[tuple[int, list[str]]]]:
    """Return the unit of the positions ("" for none) and the rows after those of names and units."""
    x, unit = table.column(_X) or 0, ""
    for _, (line, row) in zip(range(_EXTRA_ROWS + 1), rows, strict=False):
        cell = row[x].strip().casefold()
        if not cell.startswith("(") and cell != "x":
            return unit, chain([(line, row)], rows)
        unit = cell.strip("()") if cell.startswith("(") else unit
    return unit, rows


def _pixel_size(collector: AnnotationCollector, file: str, unit: str, record: ImageRecord) -> float:
    if record.pixel_size_um is not None and unit in MICRON_UNITS:
        return record.pixel_size_um[1]
    said = f"positions are in {unit!r}" if unit else "the table says no unit"
    collector.note(file, "", "noted", f"{said} and `pixel_size_um` is not given; taken as pixels.", 0)
    return 1.0


def _position(frame: int | None, row: list[str]) -> Position:
    return Position() if frame is None or not row[frame].strip() else Position(round(to_numbers([row[frame]])[0]))


def _reader(table: Table) -> PointReader:
    kept = tuple((i, name) for i, name in enumerate(table.header) if name in KEPT)
    return PointReader(table.column(_X) or 0, table.column(_Y) or 0, _SpotAttributes(kept))


class _SpotAttributes(AttributeReader):
    """Reads TrackMate's columns, where a spot without a track has the track ``None``."""

    def read(self, row: Sequence[str]) -> dict[str, Any] | None:
        """Return the attributes of a row."""
        found = super().read(["" if cell == "None" else cell for cell in row])
        return None if found is None else dict(found)


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write a table for each image under the image's name, in pixels and in the layout of version 7.7.

    Raises:
        ValueError: A name leads out of `folder`, or two are equal; nothing is written.
    """
    paths = resolve_all(folder, label_paths(annotations.names, ".csv"))
    names = [_NAMES.get(name, name.replace("_", " ").capitalize()) for name in _HEADER]
    units = [_UNITS.get(name, "") for name in _HEADER]
    for path, points in zip(paths, points_by_image(annotations), strict=True):
        rows = (_cells(point, json.loads(point.attributes or "{}")) for point in points)
        write_table(path, _HEADER, chain([names, names, units], rows))
    return ()


def _cells(point: Point, attributes: dict[str, Any]) -> list[str]:
    known = {
        "LABEL": f"ID{point.number}", "ID": str(point.number),
        "POSITION_X": to_text(point.x), "POSITION_Y": to_text(point.y),
        **{name: attribute_text.to_text(value) for name, value in attributes.items()},
    }  # fmt: skip
    return ['"None"' if known.get(name) == "None" else known.get(name, "") for name in _HEADER]
