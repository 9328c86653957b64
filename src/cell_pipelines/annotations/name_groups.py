"""Group images by their names: copies, channels, planes and tiles of a field, fields of a series."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# Roboflow's copies of one source: <stem>_<ending>.rf.<hash>.<ending>
_ROBOFLOW = re.compile(r"[_.](?:jpe?g|png|tiff?|bmp|webp)\.rf\.[0-9A-Za-z]{12,}$", re.IGNORECASE)
_COPY = re.compile(
    r"(?:[ _-](?:aug(?:mented)?|copy|flip(?:ped)?|hflip|vflip|mirror(?:ed)?|rot(?:ated)?|bright(?:er)?|crop(?:ped)?"
    r"|resized?|blur(?:red)?|noisy?)[ _-]?\d*)+$",
    re.IGNORECASE,
)
_NUMBERED_COPY = re.compile(r"(?: ?\(\d+\)|[ _-]copy(?: \d+)?)$", re.IGNORECASE)
_CHANNEL = re.compile(
    r"(?:ch|c|w|channel)\d{1,2}|blue|red|green|yellow|cyan|magenta|gray|grey|dapi|hoechst\d*"
    r"|gfp|e?gfp|yfp|cfp|rfp|mcherry|fitc|tritc|texasred|cy[357](?:[._]5)?|alexa\d*|dic|bf|brightfield|phase|pi|calcein",
    re.IGNORECASE,
)
_PLANE = re.compile(r"(?:z|zs|slice|plane|t|tp|time|frame|fr)\d+|\d+d\d+h\d+m", re.IGNORECASE)
_TILE = re.compile(r"(?:tile|patch|r|c|x|y|row|col)\d+", re.IGNORECASE)
_FIELD = re.compile(r"(?:f|fld|field|fov|s|site|pos|position|xy|img|image|im|scene)\d+|\d+", re.IGNORECASE)
# MetaXpress ends the number of the wavelength with an identifier: w1AAAAAAAA-1111-2222-3333-444444444444.
_IDENTIFIER = re.compile(r"(?<=w\d)[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.IGNORECASE)
# Names without separators, as screening microscopes write them, each with what it says in separate words:
# Opera and Operetta, CellVoyager, ArrayScan, IN Cell.
_COMPACT = (
    (re.compile(r"(r\d{2}c\d{2})f(\d+)p(\d+)-ch(\d+)(?:sk(\d+)fk\d+fl\d+)?$", re.I), r"\1_f\2_z\3_t0\5_ch\4"),
    (re.compile(r"_T(\d{4})F(\d{3})L\d{2}A\d{2}Z(\d{2})C(\d{2})$"), r"_f\2_t\1_z\3_ch\4"),
    (re.compile(r"_([A-P]\d{2})f(\d{2,3})d(\d)$", re.I), r"_\1_f\2_ch\3"),
    (re.compile(r"\(fld (\d+) (?:z (\d+) )?wv ([^\s()-]+)[^()]*\)$", re.I), r"_f\1_z0\2_\3"),
)
_SEPARATORS = re.compile(r"[ _.\-]+")
#: A grouping by series serves a split only if it leaves so many groups, none with more than this share of the images.
LEAST_GROUPS = 6
LARGEST_SHARE = 0.34
# Channels, planes and tiles stand in nearly all names, and most fields have several; else C01 is a well.
_IN_NAMES = 0.8
_IN_FIELDS = 0.5
_PARTS = 2


@dataclass(frozen=True)
class NameGroups:
    """Groups of images by their names.

    Attributes:
        groups: The group of each image.
        reason: What was recognised, as a sentence; also what was seen and not used.
        is_series: Whether groups hold several fields, as a series, a well or a subject has them.
    """

    groups: tuple[str, ...]
    reason: str
    is_series: bool = False


def group_by_names(names: Sequence[str]) -> NameGroups:
    """Return groups of images that belong together by their names, as far as names tell.

    Copies of one source (Roboflow's, and those of other augmentation), channels, planes, time points and tiles of one
    field are always put together. Fields whose names differ by their last number only are put together, as a series,
    where that leaves at least six groups with at most a third of the images each.

    Args:
        names: Names of images, with their folders.
    """
    fields = _without_copies([_stem(name) for name in names])
    seen: list[str] = ["copies of one source"] if len(set(fields)) < len(names) else []
    for pattern, words in ((_CHANNEL, "channels"), (_PLANE, "planes or time points"), (_TILE, "tiles")):
        # Tiles have a row and a column, films of stacks a time and a depth.
        for again in range(_PARTS):
            joined = _join_parts(fields, pattern)
            if len(set(joined)) == len(set(fields)):
                break
            seen += [] if again else [f"{words} of one field"]
            fields = joined
    found = f"names show {', '.join(seen)}" if seen else "names show no copies, channels or planes of one field"
    series = _join_parts(fields, _FIELD)
    sizes = Counter(series)
    if len(sizes) == len(set(fields)) or not all(series):
        return NameGroups(tuple(fields), found)
    largest = max(sizes.values()) / len(names)
    example = max(sizes, key=lambda name: (sizes[name], name))
    shown = (
        f"what precedes their last number ({example!r}, …: {len(sizes)} in all, at most {max(sizes.values())} images)"
    )
    if len(sizes) < LEAST_GROUPS or largest > LARGEST_SHARE:
        return NameGroups(tuple(fields), f"{found}; {shown} is not taken for series, too few or too large")
    return NameGroups(tuple(series), f"{found}; {shown} is taken for series", is_series=True)


def source_of_copy(name: str) -> str | None:
    """Return the source of a copy as Roboflow names it, without the folder of its split; None for other names.

    >>> source_of_copy("train/images/field07_png.rf.0123456789abcdef0123456789abcdef.jpg")
    'field07'
    """
    stem = PurePosixPath(name).stem
    return _ROBOFLOW.sub("", stem) if _ROBOFLOW.search(stem) else None


def _stem(name: str) -> str:
    ending = PurePosixPath(name).suffix
    stem = _IDENTIFIER.sub("", name.removesuffix(ending) if re.fullmatch(r"\.[A-Za-z]{2,4}\d?", ending) else name)
    for pattern, words in _COMPACT:
        stem = pattern.sub(words, stem)
    return stem


def _without_copies(stems: Sequence[str]) -> list[str]:
    sources = [source_of_copy(f"{stem}.jpg") or stem for stem in stems]
    sources = [_COPY.sub("", stem) or stem for stem in sources]
    known = set(sources)
    bases = [_NUMBERED_COPY.sub("", stem) for stem in sources]
    return [base if base in known else stem for stem, base in zip(sources, bases, strict=True)]


def _join_parts(stems: Sequence[str], pattern: re.Pattern[str]) -> list[str]:
    """Leave out the last part that fits a pattern, where nearly all names have one and most groups several names."""
    shorter = [_drop_last(stem, pattern) for stem in stems]
    sizes = Counter(short for _, short in set(zip(stems, shorter, strict=True)))
    in_names = sum(short != stem for stem, short in zip(stems, shorter, strict=True)) >= _IN_NAMES * len(stems)
    in_fields = sum(size > 1 for size in sizes.values()) >= _IN_FIELDS * len(sizes)
    return shorter if in_names and in_fields and all(shorter) else list(stems)


def _drop_last(stem: str, pattern: re.Pattern[str]) -> str:
    folder, slash, last = stem.rpartition("/")
    parts = _SEPARATORS.split(last)
    for index in range(len(parts) - 1, -1, -1):
        if pattern.fullmatch(parts[index]):
            return f"{folder}{slash}{'_'.join([*parts[:index], *parts[index + 1 :]])}"
    return _drop_channel_folder(folder, last) if pattern is _CHANNEL else stem


def _drop_channel_folder(folder: str, last: str) -> str:
    """Leave out a folder called as a channel: DAPI/field1 and GFP/field1 are one field."""
    kept = [part for part in folder.split("/") if not _CHANNEL.fullmatch(part)]
    return "/".join([*kept, last] if folder else [last])
