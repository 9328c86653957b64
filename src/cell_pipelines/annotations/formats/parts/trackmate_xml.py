"""TrackMate's XML: a session with its spots and tracks, or a simple export of tracks; read, and written as CSV.

A session keeps all spots that were found; those that its filters hid are not visible and are left out, as in TrackMate.
Positions are in the unit of the image and counted from the centre of the first pixel; the session tells a pixel's size.
A spot with an outline is a polygon.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.formats.objects.attribute_text import from_text
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.encodings import peek_utf8
from cell_pipelines.annotations.formats.sources.json_values import parse_number
from cell_pipelines.annotations.formats.sources.label_paths import files_below
from cell_pipelines.annotations.formats.sources.planes import MAX_PLANE, PlaneImages, Position, choose_planes
from cell_pipelines.annotations.formats.sources.text import read_xml
from cell_pipelines.typing import FloatArray

KEPT = ("TRACK_ID", "QUALITY", "POSITION_Z", "POSITION_T", "FRAME", "RADIUS")
PIXEL_UNITS = {"pixel", "pixels", "px"}
MICRON_UNITS = {"micron", "microns", "um", "\u00b5m", "\u03bcm", "micrometer", "micrometre"}
_PEEK_BYTES = 8192
# From pixel centres at whole numbers to pixel edges.
_CENTRE = 0.5
_SESSION, _TRACKS = re.compile(rb"<TrackMate[\s>]"), re.compile(rb"<Tracks[\s>][^<]{0,2000}<particle[\s>]")


@dataclass(frozen=True)
class Spot:
    """A spot as the file gives it.

    Attributes:
        name: How a finding names it.
        attributes: What stands in its element, with the number of its track.
        outline: Numbers of its outline around its position; empty for none.
    """

    name: str
    attributes: Mapping[str, str]
    outline: str = ""


def _is_trackmate(content: bytes) -> bool:
    """Say whether the beginning of an XML file is that of TrackMate."""
    return bool(_SESSION.search(content[:4096]) or _TRACKS.search(content[:8192]))


def xml_files(folder: Path) -> list[Path]:
    """Return TrackMate's XML files below `folder`."""
    return [path for path in files_below(folder, ".xml") if _is_trackmate(peek_utf8(path, _PEEK_BYTES))]


def read_session(
    collector: AnnotationCollector,
    folder: Path,
    path: Path,
    options: tuple[str | None, float | None, str],
    *,
    alone: bool,
) -> None:
    """Take the spots of one file; `options` are the image, the size of a pixel and the class that the user says."""
    file = path.relative_to(folder).as_posix()
    image, pixel_size, category = options
    try:
        root = read_xml(path)
        spots, hidden = _spots(root)
    except ValueError as error:
        collector.skip_file(file, str(error))
        return
    described = root.find("Settings/ImageData")
    stem = "" if described is None else PurePosixPath(described.get("filename", "").replace("\\", "/")).name
    planes = choose_planes(collector, file, *filter(None, [stem]), image=image, alone=alone)
    if hidden:
        collector.note(file, "", "noted", f"{hidden} spots that TrackMate's filters hide are left out.", 0)
    rows = planes.rows([_position(spot, root) for spot in spots])
    if rows is None:
        collector.drop(file, "", "the points of a file that is skipped.", len(spots))
        return
    scale = 1 / (pixel_size or _pixel_size(collector, file, root, planes))
    for row, spot in zip(rows, spots, strict=True):
        if row is not None:
            _read_spot(collector, (file, spot.name, row), spot, scale, category)


def _spots(root: ElementTree.Element) -> tuple[list[Spot], int]:
    """Return the spots and how many more are hidden.

    Raises:
        ValueError: The root is another.
    """
    if root.tag == "Tracks":
        return list(_simple_spots(root)), 0
    if root.tag != "TrackMate":
        raise ValueError(f"expected a <TrackMate> or <Tracks> element, got <{root.tag}>.")
    tracks = _tracks(root)
    listed = list(root.iterfind("Model/AllSpots//Spot"))
    visible = [spot for spot in listed if spot.get("VISIBILITY", "1") != "0"]
    found = []
    for spot in visible:
        track = tracks.get(spot.get("ID", ""))
        attributes = {**spot.attrib, **({} if track is None else {"TRACK_ID": track})}
        found.append(Spot(f"spot {spot.get('ID', '?')}", attributes, (spot.text or "").strip()))
    return found, len(listed) - len(visible)


def _tracks(root: ElementTree.Element) -> dict[str, str]:
    """Return the number of the track of each spot that is in one that the filters left."""
    kept = {track.get("TRACK_ID") for track in root.iterfind("Model/FilteredTracks/TrackID")}
    found: dict[str, str] = {}
    for track in root.iterfind("Model/AllTracks/Track"):
        number = track.get("TRACK_ID", "")
        if kept and number not in kept:
            continue
        for edge in track.iterfind("Edge"):
            found.update((edge.get(end, ""), number) for end in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID"))
    return found


def _simple_spots(root: ElementTree.Element) -> Iterator[Spot]:
    for number, particle in enumerate(root.iterfind("particle")):
        for position, spot in enumerate(particle.iterfind("detection")):
            names = {"x": "POSITION_X", "y": "POSITION_Y", "z": "POSITION_Z", "t": "FRAME"}
            attributes = {names[key]: value for key, value in spot.attrib.items() if key in names}
            yield Spot(f"track {number}, detection {position}", {**attributes, "TRACK_ID": str(number)})


def _position(spot: Spot, root: ElementTree.Element) -> Position:
    """Return the plane of a spot; its depth where the session says how far planes lie apart."""
    described = root.find("Settings/ImageData")
    step = "" if described is None or described.get("nslices", "1") == "1" else described.get("voxeldepth", "")
    texts = (spot.attributes.get("FRAME"), spot.attributes.get("POSITION_Z"), step)
    frame, depth, size = map(_number, texts)
    level = round(depth / size) if depth is not None and size else None
    return Position(None if frame is None else round(frame), level)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < MAX_PLANE else None


def _pixel_size(collector: AnnotationCollector, file: str, root: ElementTree.Element, planes: PlaneImages) -> float:
    """Return the side of a pixel in the unit of the positions."""
    model, described = root.find("Model"), root.find("Settings/ImageData")
    unit = (root.get("spaceUnits", "") if model is None else model.get("spatialunits", "")).strip().casefold()
    said = None if described is None else _number(described.get("pixelwidth"))
    if unit in PIXEL_UNITS and (said is None or said <= 0):
        return 1.0
    if said is not None and said > 0:
        return said
    known = planes.records[0].pixel_size_um if planes.records else None
    if known is not None and unit in MICRON_UNITS:
        return known[1]
    shown = f"positions are in {unit!r}" if unit else "the file says no unit"
    collector.note(file, "", "suspect", f"{shown} and `pixel_size_um` is not given; taken as pixels.", 0)
    return 1.0


def _read_spot(
    collector: AnnotationCollector, place: tuple[str, str, int], spot: Spot, scale: float, category: str
) -> None:
    try:
        x, y = (parse_number(spot.attributes.get(key), key) for key in ("POSITION_X", "POSITION_Y"))
        ring = _outline(spot.outline)
    except ValueError as error:
        collector.drop(*place[:2], f"the spot can't be read: {error}")
        return
    kept: dict[str, Any] = {key: from_text(spot.attributes[key]) for key in KEPT if key in spot.attributes}
    centre = np.array([x, y]) * scale + _CENTRE
    if len(ring) >= 3:
        collector.add_polygon(*place, category, [centre + ring * scale], attributes=kept or None)
    else:
        collector.add_point(*place, category, centre.tolist(), attributes=kept or None)


def _outline(text: str) -> FloatArray:
    """Return the vertices of an outline around a spot's position, (V, 2); of a mesh or none, none."""
    words = text.split()
    numbers = np.array([parse_number(word, "outline") for word in words], dtype=np.float64)
    return numbers.reshape(-1, 2) if len(words) % 2 == 0 else np.empty((0, 2))
