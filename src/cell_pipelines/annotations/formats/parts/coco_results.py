"""COCO results: a list of what a model found, with numbers of images and classes only.

What the numbers mean stands in the file that the model was evaluated with; its lists of images and classes may lie
beside. Without it a number is that of an image whose name ends with it, as in COCO's own ``000000000139.jpg``.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from cell_pipelines.annotations.formats.parts.coco_entries import EntryReader
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.images import ImageRecord

Entry = Mapping[str, Any]
_BEGIN = re.compile(rb"\s*\[\s*(\{|\])")
_NUMBER_AT_END = re.compile(r"(\d{1,18})$")
_SHAPES = {"bbox", "segmentation", "keypoints"}


def looks_like_results(text: bytes) -> bool:
    """Say whether the beginning of a file is that of results."""
    named = all(key in text for key in (b'"image_id"', b'"category_id"'))
    return named and _BEGIN.match(text) is not None and any(f'"{shape}"'.encode() in text for shape in _SHAPES)


def as_results(content: Any) -> list[Entry]:
    """Return the entries of results; none where a file holds something else."""
    listed = content if isinstance(content, list) else []
    entries = [entry for entry in listed if isinstance(entry, Mapping)]
    return entries if any({"image_id", "category_id"} <= set(entry) for entry in entries) else []


def class_names(results: Iterable[Sequence[Entry]], categories: Iterable[Entry]) -> dict[Any, str]:
    """Return the class name of each number: those of a list of classes, then ``class_<number>``."""
    names = {_key(c.get("id")): c["name"] for c in categories if isinstance(c.get("name"), str)}
    used = {_key(entry.get("category_id")) for entries in results for entry in entries} - {None}
    for number in sorted(used - set(names), key=lambda key: (str(type(key)), key)):
        names[number] = f"class_{number}"
    return names


def read_results(
    collector: AnnotationCollector,
    file: str,
    entries: Sequence[Entry],
    images: Sequence[Entry],
    names: Mapping[Any, str],
) -> None:
    """Take the results of one file.

    Args:
        collector: Where they go.
        file: The file, relative to the source's folder.
        entries: The results.
        images: Images with their numbers, of the file that the model was evaluated with; empty for none.
        names: Class name by number.
    """
    numbers = list(dict.fromkeys(_key(entry.get("image_id")) for entry in entries))
    listed = {_key(image.get("id")): image.get("file_name") for image in images}
    by_number = _images_by_number(collector.images.records)
    near = str(PurePosixPath(file).parent)
    rows: dict[Any, int | None] = {}
    unknown: list[str] = []
    for number in numbers:
        name = listed.get(number) or by_number.get(number) or (number if isinstance(number, str) else None)
        if name is None and len(numbers) == len(collector.images.records) == 1:
            name = collector.images.records[0].name
            reason = f"the only image number, {number}, is taken for the only image, {name}."
            collector.note(file, "", "suspect", reason, 0)
        if isinstance(name, str):
            rows[number] = collector.image(file, name, near=near)
        else:
            rows[number] = None
            unknown.append(str(number))
    if unknown:
        shown = ", ".join(unknown[:9]) + (" …" if len(unknown) > 9 else "")
        reason = f"nothing says which images the numbers {shown} are; put the COCO file that lists them beside it."
        collector.skip_file(file, reason)
    EntryReader(collector, file, rows, names).read(entries)


def _images_by_number(records: Iterable[ImageRecord]) -> dict[Any, str]:
    """Return the one image whose name ends in each number."""
    found: dict[int, list[str]] = defaultdict(list)
    for record in records:
        if number := _NUMBER_AT_END.search(PurePosixPath(record.name).stem):
            found[int(number[1])].append(record.name)
    return {number: names[0] for number, names in found.items() if len(names) == 1}


def _key(identity: Any) -> Any:
    return identity if isinstance(identity, int | float | str) else None
