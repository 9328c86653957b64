"""Read well, site, channel, time and plate of images from the index files that plate readers write beside them.

Harmony (Opera, Operetta) writes ``Index.idx.xml`` or ``Index.xml`` per measurement, Micro-Manager ``metadata.txt`` per
position. They give channels by their names and say which plate it is, which names of files do not.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from cell_pipelines.annotations.plate_names import PlatePosition, read_plate_names
from cell_pipelines.annotations.wells import well_name

#: Names of index files below a folder.
_PATTERNS: Final = ("Index.idx.xml", "Index.xml", "*metadata.txt")


@dataclass(frozen=True)
class IndexedImage:
    """An image that an index names.

    Attributes:
        path: Parts of its path, those of the index's folder included.
        position: Its place on the plate.
        plate: Name of the plate; None where the index does not say.
    """

    path: tuple[str, ...]
    position: PlatePosition
    plate: str | None = None


def read_plate_index(source: Path) -> tuple[IndexedImage, ...]:
    """Return the images that index files name.

    Args:
        source: An index file, or a folder in which they are looked for at any depth.

    Raises:
        ValueError: There is none, or one can't be read or names no image of a well.
    """
    files = [source] if source.is_file() else sorted(p for name in _PATTERNS for p in source.rglob(name))
    if not files:
        raise ValueError(
            f"{source}: expected an index of Harmony (Index.idx.xml) or of Micro-Manager (metadata.txt); there is none."
        )
    images: list[IndexedImage] = []
    for file in files:
        named = list(_read_harmony(file) if file.suffix.lower() == ".xml" else _read_micro_manager(file))
        if not named:
            raise ValueError(f"{file}: expected an index with images of wells; it names none.")
        images += named
    return tuple(images)


def locate_images(names: Sequence[str], index: Sequence[IndexedImage]) -> list[IndexedImage | None]:
    """Return for each image its entry in an index; None where no entry, or more than one, is of this image.

    Args:
        names: Image names with their folders, separated by ``/``.
        index: As `read_plate_index` gives it. Of entries with the same file name the one counts whose folders agree
            with those of the image the farthest.
    """
    by_file: dict[str, list[IndexedImage]] = defaultdict(list)
    for image in index:
        by_file[image.path[-1]].append(image)
    return [_best(PurePosixPath(name).parts, by_file.get(PurePosixPath(name).name, [])) for name in names]


def _best(parts: tuple[str, ...], candidates: Sequence[IndexedImage]) -> IndexedImage | None:
    agreed = [_common_end(parts, one.path) for one in candidates]
    most = [one for one, length in zip(candidates, agreed, strict=True) if length == max(agreed)]
    return most[0] if len(most) == 1 else None


def _common_end(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((length for length, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _read_harmony(file: Path) -> Iterator[IndexedImage]:
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(file.read_bytes())
    except ParseError as error:
        raise ValueError(f"{file}: expected an index of Harmony; it is no XML: {error}.") from error
    plates = [dict(_children(plate)) for plate in root.iterfind(".//{*}Plate")]
    named = {plate.get("Name") or plate.get("PlateID") for plate in plates} - {None, ""}
    plate = next(iter(named)) if len(named) == 1 else None
    channels = {
        entry.get("ChannelID"): name.text for entry in root.iterfind(".//{*}Entry")
        if (name := entry.find("{*}ChannelName")) is not None
    }  # fmt: skip
    for image in root.iterfind(".//{*}Images/{*}Image"):
        facts = dict(_children(image))
        if not facts.get("URL") or not {"Row", "Col"} <= facts.keys():
            continue
        if not (facts["Row"] or "").isdecimal() or not (facts["Col"] or "").isdecimal():
            place = f"{facts['Row']!r} and {facts['Col']!r}"
            raise ValueError(f"{file}: expected numbers for the row and column of {facts['URL']}, got {place}.")
        position = PlatePosition(
            well_name(int(facts["Row"]) - 1, int(facts["Col"]) - 1),
            site=facts.get("FieldID"), time=facts.get("TimepointID"), plane=facts.get("PlaneID"),
            channel=facts.get("ChannelName") or channels.get(facts.get("ChannelID")) or facts.get("ChannelID"),
            reader="Harmony's index",
        )  # fmt: skip
        path = (*file.absolute().parts[:-1], *PurePosixPath(facts["URL"].replace("\\", "/")).parts)
        yield IndexedImage(path, position, plate)


def _children(element: Any) -> Iterator[tuple[str, str]]:
    return ((child.tag.rpartition("}")[2], (child.text or "").strip()) for child in element)


def _read_micro_manager(file: Path) -> Iterator[IndexedImage]:
    try:
        content = json.loads(file.read_text(encoding="utf-8", errors="replace"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}: expected the metadata of Micro-Manager; it is no JSON: {error}.") from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{file}: expected the metadata of Micro-Manager, got {type(content).__name__}.")
    names = (content.get("Summary") or {}).get("ChNames") or []
    for facts in content.values():
        if not isinstance(facts, Mapping) or not {"FileName", "PositionName"} <= facts.keys():
            continue
        (place,) = read_plate_names([str(facts["PositionName"])])
        if place is None:
            continue
        number = facts.get("ChannelIndex")
        by_number = str(names[number]) if isinstance(number, int) and number < len(names) else None
        position = PlatePosition(
            place.well, site=place.site, channel=facts.get("Channel") or by_number,
            time=_text(facts, "Frame", "FrameIndex"), plane=_text(facts, "Slice", "SliceIndex"),
            reader="Micro-Manager's metadata",
        )  # fmt: skip
        path = PurePosixPath(str(facts["FileName"]).replace("\\", "/")).parts
        folder = file.absolute().parts[:-1]
        yield IndexedImage(
            (*folder, *path[1:]) if len(path) > 1 and path[0] == folder[-1] else (*folder, *path), position
        )


def _text(facts: Mapping[str, Any], *names: str) -> str | None:
    return next((str(facts[name]) for name in names if name in facts), None)
