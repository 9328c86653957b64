"""Read well, site, channel, time and plane from the names that plate readers give their images.

| reader | name |
|---|---|
| Opera, Operetta (Harmony) | ``r02c05f03p01-ch1sk1fk1fl1.tiff``; older ``002005003.flex`` |
| ImageXpress (MetaXpress) | ``TimePoint_1/plate_B05_s3_w1<identifier>.tif`` |
| IncuCyte | ``VID12_B5_1_2019y05m12d_10h00m.tif``, ``Phase_B5_1_01d06h00m.tif`` |
| Micro-Manager | ``B5-Site_0/img_channel000_position000_time000000000_z000.tif``, ``run_MMStack_B5-Site_0.ome.tif`` |
| CellVoyager | ``plate_B05_T0001F003L01A01Z01C01.tif`` |
| ArrayScan | ``plate_B05f02d0.TIF`` |
| IN Cell | ``B - 05(fld 3 wv DAPI - DAPI).tif`` |
| OME-Zarr | ``plate.zarr/B/5/0`` |
| any other | one part of the names is a well: ``B05.png``, ``plate1/B05_s2_w1.tif``, ``B05/field_2.png`` |
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cell_pipelines.annotations.wells import parse_well, well_name

_W: Final = r"(?P<well>[A-P]\d{1,2}|A?[A-Z]\d{2})"
_START: Final = r"(?:^|[/_ .-])"
_ELAPSED: Final = r"(?P<time>\d{4}y\d{2}m\d{2}d_\d{2}h\d{2}m|\d{2,3}d\d{2}h\d{2}m)"
#: A name's form by the reader that writes it; each has the group well, or row and column. Endings are cut off.
READERS: Final = {
    "Opera or Operetta": re.compile(
        r"r(?P<row>\d{2})c(?P<column>\d{2})f(?P<site>\d+)p(?P<plane>\d+)-ch(?P<channel>\d+)(?:sk(?P<time>\d+)fk\d+fl\d+)?$",
        re.I,
    ),
    "Opera": re.compile(r"(?:^|/)(?P<row>\d{3})(?P<column>\d{3})(?P<site>\d{3})(?=\.flex$|$)", re.I),
    "CellVoyager": re.compile(
        rf"_{_W}_T(?P<time>\d{{4}})F(?P<site>\d{{3}})L\d{{2}}A\d{{2}}Z(?P<plane>\d{{2}})C(?P<channel>\d{{2}})$"
    ),
    "ArrayScan": re.compile(rf"_{_W}f(?P<site>\d{{2,3}})d(?P<channel>\d)$", re.I),
    "IN Cell": re.compile(
        r"(?:^|/)(?P<row_name>A?[A-Z]) ?- ?(?P<column>\d{1,2})\(fld (?P<site>\d+) (?:z (?P<plane>\d+) )?"
        r"wv (?P<channel>[^\s()-]+)[^()]*\)$",
        re.I,
    ),
    "IncuCyte": re.compile(rf"{_START}{_W}_(?P<site>\d+)_{_ELAPSED}$", re.I),
    "Micro-Manager": re.compile(
        rf"{_START}{_W}-Site_(?P<site>\d+)(?:/img_channel(?P<channel>\d+)_position\d+_time(?P<time>\d+)_z(?P<plane>\d+)"
        r"|/img_(?P<time_1>\d+)_(?P<channel_1>[^/]+)_(?P<plane_1>\d+))?(?:\.ome)?$",
        re.I,
    ),
    "ImageXpress": re.compile(
        rf"(?:TimePoint_(?P<time>\d+)/)?(?:ZStep_(?P<plane>\d+)/)?(?:[^/]*_)?{_W}(?:_s(?P<site>\d+))?_w(?P<channel>\d)"
        r"(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})?$",
        re.I,
    ),
    "OME-Zarr": re.compile(r"(?:^|/)(?P<row_name>A?[A-Z])/(?P<column>\d{1,2})/(?P<site>\d+)$"),
}
_ENDING = re.compile(r"\.(?:tiff?|png|jpe?g|jp2|bmp|webp|flex|nd2|czi|lif|zarr|c01|dib|stk)$", re.I)
_SEPARATORS = re.compile(r"[/_ .\-]+")
_WELL_PART = re.compile(r"(?:well)?(?P<well>A?[A-Z]\d{1,2})", re.I)
_PADDED = re.compile(r"[A-Z]\d\d")
_PARTS: Final = {
    "site": re.compile(r"(?:s|f|fld|field|fov|site|pos|position|xy)(\d+)", re.I),
    "channel": re.compile(r"(?:w|ch|channel|d)(\d+)", re.I),
    "time": re.compile(r"(?:t|tp|time|timepoint|frame)(\d+)", re.I),
    "plane": re.compile(r"(?:z|zs|plane|slice)(\d+)", re.I),
}
_ANY: Final = "a well in the name"
#: What an image of a plate is known by, besides its well.
FACTS: Final = ("site", "channel", "time", "plane")


@dataclass(frozen=True)
class PlatePosition:
    """The place on a plate at which an image was taken, as its name says.

    Attributes:
        well: Such as A01.
        site: Field of the well, as written without leading zeros; None where the name has none, and so are the others.
        channel: Number or name of the channel.
        time: Number of the time point, or the time as the reader writes it.
        plane: Number of the plane.
        reader: The reader whose form the name has, or ``a well in the name``.
    """

    well: str
    site: str | None = None
    channel: str | None = None
    time: str | None = None
    plane: str | None = None
    reader: str = ""


def read_plate_names(names: Sequence[str], *, pattern: str | None = None) -> list[PlatePosition | None]:
    """Return where each image was taken; None for names that say of no well, or of several.

    Args:
        names: Image names with their folders, separated by ``/``.
        pattern: Regular expression with the group `well`, or `row` and `column` as numbers from 1, and any of `site`,
            `channel`, `time`, `plane`; searched in each name instead of the forms that are known.

    Raises:
        ValueError: The pattern is no regular expression, or has no group for the well.

    >>> read_plate_names(["p1_B05_s3_w2.tif"])[0]
    PlatePosition(well='B05', site='3', channel='2', time=None, plane=None, reader='ImageXpress')
    """
    if pattern is None:
        return _read_known(names)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"`name_pattern` must be a regular expression, got {pattern!r}: {error}.") from error
    if "well" not in expression.groupindex and not {"row", "column"} <= set(expression.groupindex):
        raise ValueError(
            f"`name_pattern` must have the group (?P<well>…), or (?P<row>…) and (?P<column>…), got {pattern!r}."
        )
    matches = (expression.search(name) for name in names)
    return [None if match is None else _position(match, "the pattern") for match in matches]


def _read_known(names: Sequence[str]) -> list[PlatePosition | None]:
    stems = [_ENDING.sub("", name) for name in names]
    found = [_read_form(name, stem) for name, stem in zip(names, stems, strict=True)]
    alike: dict[tuple[int, ...], list[int]] = {}
    for number, stem in enumerate(stems):
        if found[number] is None:
            parts = _parts_of(stem)
            wells = [place for place, part in enumerate(parts) if _well_of(part)]
            alike.setdefault((len(parts), *wells), []).append(number)
    positions = [None if one is None else one[0] for one in found]
    for (_, *wells), numbers in alike.items():
        rows = [_parts_of(stems[number]) for number in numbers]
        for number, position in zip(numbers, _read_alike(rows, wells), strict=True):
            positions[number] = position
    return positions


def _read_form(name: str, stem: str) -> tuple[PlatePosition | None] | None:
    """Return what a name in a reader's form says, which may be nothing; None for a name in none of these forms."""
    for reader, form in READERS.items():
        match = form.search(name if reader == "Opera" else stem)
        if match:
            return (_position(match, reader),)
    return None


def _read_alike(rows: Sequence[Sequence[str]], wells: Sequence[int]) -> list[PlatePosition | None]:
    """Read names of as many parts each, of which those at `wells` could be wells: one of them is, in all names."""
    same: dict[tuple[str | None, ...], list[int]] = {}
    for place in wells:
        same.setdefault(tuple(_well_of(parts[place]) for parts in rows), []).append(place)
    chosen = _choose_well(rows, [places[-1] for places in same.values()])
    if chosen is None:
        return [None] * len(rows)
    own = next(places for places in same.values() if chosen in places)
    return [
        _from_parts(parts[chosen], [part for place, part in enumerate(parts) if place not in own]) for parts in rows
    ]


def _choose_well(rows: Sequence[Sequence[str]], wells: Sequence[int]) -> int | None:
    """Return the place at which names have their well; None where that is not certain.

    It is the only one with several rows of a plate. Where there is none, F1, S2, T3, D4, W5 and Z6 are sites, times,
    channels and planes beside another well, as ``P1`` and ``R1`` may be something else, too.
    """
    letters = {place: {str(_well_of(parts[place]))[:-2] for parts in rows} for place in wells}
    several = [place for place in wells if len(letters[place]) > 1]
    if several:
        return several[0] if len(several) == 1 else None
    facts = [p for p in wells if all(any(form.fullmatch(parts[p]) for form in _PARTS.values()) for parts in rows)]
    left = [place for place in wells if place not in facts]
    if not left and len(facts) == 1 and all(_PADDED.fullmatch(parts[facts[0]]) for parts in rows):
        return facts[0]
    return left[0] if len(left) == 1 else None


def _parts_of(stem: str) -> list[str]:
    return [part for part in _SEPARATORS.split(stem) if part]


def _well_of(part: str) -> str | None:
    match = _WELL_PART.fullmatch(part)
    try:
        return None if match is None else well_name(*parse_well(match["well"]))
    except ValueError:
        return None


def _position(match: re.Match[str], reader: str) -> PlatePosition | None:
    parts = match.groupdict()
    try:
        if parts.get("well"):
            row, column = parse_well(parts["well"])
        elif parts.get("row_name"):
            row, column = parse_well(f"{parts['row_name']}{parts['column']}")
        else:
            row, column = int(parts["row"]) - 1, int(parts["column"]) - 1
        well = well_name(*parse_well(well_name(row, column)))
    except ValueError:
        return None
    facts = {name: _without_zeros(parts.get(name) or parts.get(f"{name}_1")) for name in FACTS}
    return PlatePosition(well, **facts, reader=reader)


def _without_zeros(value: str | None) -> str | None:
    return str(int(value)) if value is not None and value.isdecimal() else value


def _from_parts(part: str, rest: Sequence[str]) -> PlatePosition | None:
    facts: dict[str, str | None] = {}
    for name, form in _PARTS.items():
        numbers = [match[1] for part in rest if (match := form.fullmatch(part))]
        facts[name] = _without_zeros(numbers[-1]) if numbers else None
    words = {first: second for first, second in pairwise(rest) if second.isdecimal()}
    for word, number in words.items():
        if word.lower() in ("field", "site", "fov", "position") and facts["site"] is None:
            facts["site"] = _without_zeros(number)
    well = _well_of(part)
    return None if well is None else PlatePosition(well, **facts, reader=_ANY)
