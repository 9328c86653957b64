"""COCO: one JSON for many images; boxes as x, y, width, height, polygons, run-length masks, scores."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.parts.coco_entries import BATCH, EntryReader, to_entries
from cell_pipelines.annotations.formats.parts.coco_results import (
    as_results,
    class_names,
    looks_like_results,
    read_results,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.encodings import peek_utf8, to_utf8
from cell_pipelines.annotations.formats.sources.json_lists import JsonList, split_list
from cell_pipelines.annotations.formats.sources.label_paths import files_below
from cell_pipelines.annotations.formats.sources.text import check_depth, read_bytes, read_each, read_json
from cell_pipelines.annotations.images import SPLITS, ImageIndex, split_of
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.files import atomic_path

SUMMARY = "COCO JSON: one file for many images; CVAT, Roboflow, FiftyOne, Label Studio and many others write it."
CAPABILITIES = Capabilities(geometries=GEOMETRIES, ignored_regions=True, splits=True)

_PEEK_BYTES = 1 << 16
# From here on a file is not parsed whole.
_LARGE_BYTES = 16 << 20
# Class numbers that occur, gathered while a large file is looked through; no key of a file.
_USED = object()


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for path in _json_files(folder):
        text = peek_utf8(path, _PEEK_BYTES, end=True)
        if looks_like_results(text):
            return f"{path.relative_to(folder).as_posix()} lists results with numbers of images and classes"
        if _is_coco(text):
            return f"{path.relative_to(folder).as_posix()} lists images and annotations"
    return None


def _is_coco(text: bytes) -> bool:
    # In a large file the lists may begin beyond what is looked at; then their entries tell.
    listed = b'"images"' in text and any(key in text for key in (b'"annotations"', b'"categories"', b'"image_id"'))
    entries = b'"file_name"' in text and b'"image_id"' in text
    # In panoptic files, of the same keys, the objects are colours of pictures.
    return (listed or entries) and b'"segments_info"' not in text


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every COCO file below `folder`, or the results of a model; a file's name or folder may tell the split.

    Args:
        folder: Where the JSON files lie, at any depth.
        images: The images that are there; an image without objects in the file is one without cells.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    contents: dict[str, Mapping[Any, Any]] = {}
    results: dict[str, list[Mapping[str, Any]]] = {}
    problems: dict[str, str] = {}
    for file, content in read_each(folder, _json_files(folder), _read_file, problems.__setitem__):
        # Other JSON, such as settings, may lie beside.
        if isinstance(content, Mapping) and {"images", "annotations"} & set(content):
            contents[file] = content
        elif found := as_results(content):
            results[file] = found
    names = class_names(results.values(), [c for own in contents.values() for c in _entries(own, "categories")])
    if options.get("classes") is None:
        known = dict.fromkeys([*_categories(contents.values()), *(names.values() if results else ())])
        options["classes"] = list(known) or None
    collector = AnnotationCollector(images, **options)
    for problem in problems.items():
        collector.skip_file(*problem)
    _read_files(collector, contents, results, names)
    return collector.finish("coco")


def _read_files(
    collector: AnnotationCollector, contents: Mapping[str, Mapping[Any, Any]],
    results: Mapping[str, Sequence[Mapping[str, Any]]], names: Mapping[Any, str],
) -> None:  # fmt: skip
    truth = [file for file, content in contents.items() if _entries(content, "annotations")]
    for file, content in contents.items():
        # A list of images may stand beside results to say which they are.
        if not results or file in truth:
            _read_content(collector, file, content)
    for file, entries in results.items():
        if truth:
            collector.skip_file(file, f"results of a model lie beside the annotations of {truth[0]}; read them apart.")
            collector.drop(file, "", "the objects of a file that is skipped.", len(entries))
            continue
        read_results(collector, file, entries, [i for own in contents.values() for i in _entries(own, "images")], names)


def _json_files(folder: Path) -> Iterator[Path]:
    return files_below(folder, ".json")


def _read_file(path: Path) -> Any:
    """Return what a JSON file holds; of a large one the annotations are parsed when they are read.

    Raises:
        ValueError: The file is no valid JSON.
    """
    if path.stat().st_size < _LARGE_BYTES:
        return read_json(path)
    written = to_utf8(read_bytes(path))
    content = split_list(written, "annotations")
    if content is None:
        return read_json(path)
    try:
        check_depth(written)
        # All is parsed once, so that a file that breaks off is refused before anything of it is taken.
        used = {_key(entry.get("category_id")) for part in content["annotations"].parts(BATCH) for entry in part}
    except ValueError as error:
        raise ValueError(f"the file is no valid JSON: {error}.") from error
    return {**content, _USED: used}


def _categories(contents: Iterable[Mapping[Any, Any]]) -> dict[str, None]:
    names: dict[str, None] = {}
    for content in contents:
        used = content.get(_USED) or {_key(a.get("category_id")) for a in _entries(content, "annotations")}
        listed = [c for c in _entries(content, "categories") if isinstance(c.get("name"), str)]
        parents = {c["supercategory"] for c in listed if isinstance(c.get("supercategory"), str)}
        for category in sorted(listed, key=lambda c: str(c.get("id")).zfill(9)):
            # Some exporters add an unused parent class, which would be a class that no model can learn.
            is_parent = category["name"] in parents and category.get("supercategory") != category["name"]
            if _key(category.get("id")) in used or not is_parent:
                names[category["name"]] = None
    return names


def _entries(content: Mapping[Any, Any], key: str) -> Sequence[Mapping[str, Any]]:
    entries = content.get(key)
    if isinstance(entries, JsonList):
        return entries
    return [e if isinstance(e, Mapping) else {} for e in entries] if isinstance(entries, list) else []


def _key(identity: Any) -> int | float | str | None:
    """Return an id that can be looked up; None where none was given."""
    return identity if isinstance(identity, int | float | str) else None


def _read_content(collector: AnnotationCollector, file: str, content: Mapping[Any, Any]) -> None:
    lists = (list, JsonList)
    missing = [key for key in ("images", "categories", "annotations") if not isinstance(content.get(key), lists)]
    if missing:
        collector.skip_file(
            file, f"expected lists `images`, `categories` and `annotations`; no {' and no '.join(missing)}."
        )
        collector.drop(file, "", "the objects of a file that is skipped.", len(_entries(content, "annotations")))
        return
    listed = [c for c in _entries(content, "categories") if isinstance(c.get("name"), str)]
    names: dict[Any, str] = {key: c["name"] for c in listed if (key := _key(c.get("id"))) is not None}
    rows = _read_images(collector, file, content)
    EntryReader(collector, file, rows, names).read(_entries(content, "annotations"))


def _read_images(collector: AnnotationCollector, file: str, content: Mapping[Any, Any]) -> dict[Any, int | None]:
    """Return the row of each image number; None where the image is missing or its number comes twice."""
    rows: dict[Any, int | None] = {}
    taken: set[int | None] = set()
    for position, record in enumerate(_entries(content, "images")):
        name, number = record.get("file_name"), _key(record.get("id"))
        if not isinstance(name, str) or number is None:
            collector.skip_file(file, f"image at position {position}: expected `id` and `file_name`.")
            continue
        if number in rows:
            collector.skip_file(file, f"image {name!r}: its id {number!r} comes twice.")
            rows[number] = None
            continue
        size = record.get("width"), record.get("height")
        known = (size[0], size[1]) if isinstance(size[0], int) and isinstance(size[1], int) else None
        split, near = split_of(file, file_name=True) or split_of(name), str(PurePosixPath(file).parent)
        if split and collector.images.find(name, near) is None:
            near = split
        row = collector.image(file, name, near=near, split=split, size=known)
        comes_again = row is not None and row in taken
        rows[number] = row
        taken.add(row)
        if row is not None and (first := collector.first_label(file, row)) != file:
            reason = f"image {name!r} is also labelled in {first}; the objects of both are taken."
            collector.note(file, "", "noted", reason, 0)
        elif comes_again:
            reason = f"several entries of the file, the last {name!r}, are one image; the objects of all are taken."
            collector.note(file, f"image {number!r}", "suspect", reason, 0)
    return rows


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``instances_<split>.json`` for each split and ``annotations.json`` for images without one.

    Numbers count from 1, since evaluation tools take an annotation 0 for none. A hole is joined to its polygon by a
    seam without width, and a point is a single key point.
    """
    splits = annotations.images["split"].to_pylist()
    files = [f"instances_{split}.json" if split in SPLITS else "annotations.json" for split in splits]
    for file in sorted(set(files)) or ["annotations.json"]:
        rows = np.flatnonzero(np.array(files, dtype=object) == file)
        _write_file(annotations, rows, folder / file)
    return ()


def _write_file(annotations: AnnotationSet, rows: npt.NDArray[np.int64], path: Path) -> None:
    """Write some images with their objects, a part at a time, so that memory stays flat."""
    objects = annotations.objects.filter(pc.is_in(annotations.objects["image"], pa.array(rows, pa.int32())))
    images = {
        row: {"id": row + 1, "file_name": record["name"], "width": record["width"], "height": record["height"]}
        for row, record in zip(rows.tolist(), annotations.images.take(rows).to_pylist(), strict=True)
    }
    categories = [{"id": i, "name": n, "supercategory": "cell"} for i, n in enumerate(annotations.categories, 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        head = orjson.dumps({"images": list(images.values()), "categories": categories})
        file.write(head[:-1] + b',"annotations":[')
        for start in range(0, objects.num_rows, BATCH):
            entries = list(to_entries(objects.slice(start, BATCH), start + 1, images))
            file.write((b"," if start else b"") + orjson.dumps(entries)[1:-1])
        file.write(b"]}")
