"""Supervisely: one folder per dataset with a JSON file an image, and ``meta.json`` with the classes and tags of all.

Supervisely's files number pixels: a polygon's vertex or a point means the centre of its pixel, half a pixel further
in our pixel edges, and a rectangle or bitmap begins with its first pixel and ends with its last.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.small_masks import (
    from_base64,
    read_png,
    to_base64,
    unpack,
    write_png,
)
from cell_pipelines.annotations.formats.objects.shapes import (
    Place,
    Shape,
    add_shape,
    box_shape,
    mask_shape,
    point_shape,
    polygon_shape,
)
from cell_pipelines.annotations.formats.parts.supervisely_tags import TagWriter, read_tags
from cell_pipelines.annotations.formats.sources import json_values as values
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_paths import files_below, peek, resolve_all
from cell_pipelines.annotations.formats.sources.text import read_each, read_json
from cell_pipelines.annotations.formats.writing.written import WrittenObject, objects_by_image
from cell_pipelines.annotations.geometry.rings import group_rings
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_crop
from cell_pipelines.annotations.images import SPLITS, ImageIndex, split_of
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path
from cell_pipelines.typing import FloatArray

SUMMARY = "Supervisely image annotations, one JSON an image and meta.json: Supervisely, Dataset Ninja."
# Scores stand in the tag `confidence`, as Supervisely's own models write them; splits in the tags train, val, test.
CAPABILITIES = Capabilities(geometries=("box", "point", "polygon", "mask"), pieces=False, splits=True, classes="all")

_CENTRE = 0.5
_DATASET = "dataset"


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for name, content in peek(folder, ".json"):
        if all(key in content for key in (b'"objects"', b'"size"', b'"tags"')) and b'"shapes"' not in content:
            return f"{name} holds size, tags and objects"
    return None


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every annotation file below `folder`; the classes of ``meta.json`` come in its order.

    Args:
        folder: A project, or one dataset of it.
        images: The images that are there; a label belongs to the image of its name in the folder ``img`` beside.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    contents: dict[str, Mapping[str, Any]] = {}
    problems: dict[str, str] = {}
    classes: dict[str, None] = {}
    for file, content in read_each(folder, files_below(folder, ".json"), read_json, problems.__setitem__):
        # Other JSON, such as settings, may lie beside.
        if isinstance(content, Mapping) and isinstance(content.get("objects"), list):
            contents[file] = content
        elif isinstance(content, Mapping) and PurePosixPath(file).name.lower() == "meta.json":
            classes |= dict.fromkeys(_titles(content.get("classes"), "title"))
    if options.get("classes") is None:
        used = dict.fromkeys(t for content in contents.values() for t in _titles(content["objects"], "classTitle"))
        options["classes"] = list(classes | used) or None
    collector = AnnotationCollector(images, **options)
    for problem in problems.items():
        collector.skip_file(*problem)
    for file, content in contents.items():
        _read_content(collector, file, content)
    return collector.finish("supervisely")


def _titles(entries: Any, key: str) -> list[str]:
    found = [entry.get(key) for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    return [title for title in found if isinstance(title, str)]


def _read_content(collector: AnnotationCollector, file: str, content: Mapping[str, Any]) -> None:
    path = PurePosixPath(file)
    folder = path.parent.parent if path.parent.name.lower() == "ann" else path.parent
    # Beside `ann` lies `img`, unless the images were moved.
    near = next((str(p) for p in (folder / "img", folder) if collector.images.find(path.stem, str(p))), str(folder))
    split = next(iter(_image_splits(content.get("tags"))), None) or split_of(file)
    row = collector.image(file, path.stem, near=near, split=split, size=_size(content.get("size")))
    objects = content["objects"]
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, "", "the objects of a file that is skipped.", len(objects))
        return
    for position, record in enumerate(objects):
        title = record.get("classTitle") if isinstance(record, Mapping) else None
        entry = f"object {position} ({title if isinstance(title, str) else 'no class'})"
        _read_object(collector, (file, entry, row), record)


def _image_splits(tags: Any) -> list[str]:
    found = [tag.get("name") if isinstance(tag, Mapping) else tag for tag in tags] if isinstance(tags, list) else []
    return [name for name in found if name in SPLITS]


def _size(size: Any) -> tuple[int, int] | None:
    if not isinstance(size, Mapping):
        return None
    width, height = size.get("width"), size.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _read_object(collector: AnnotationCollector, place: Place, record: Any) -> None:
    file, entry, row = place
    try:
        record = values.to_mapping(record, "object")
        title = values.to_name(record.get("classTitle"), "classTitle")
        shape = _read_shape(record, collector.size(row))
        attributes, score = read_tags(record.get("tags"))
        kept = values.to_attributes(attributes)
    except ValueError as error:
        collector.drop(file, entry, str(error))
        return
    add_shape(collector, place, title, shape, score=score, attributes=kept)


def _read_shape(record: Mapping[str, Any], size: tuple[int, int]) -> Shape:
    kind = record.get("geometryType")
    if kind == "bitmap":
        bitmap = values.to_mapping(record.get("bitmap"), "bitmap")
        corner = values.to_vertices([bitmap.get("origin")], "origin")[0]
        # Four numbers per pixel and one a row, before PNG packs them.
        packed = unpack(from_base64(bitmap.get("data")), 5 * (size[0] + 1) * (size[1] + 1) + 4096)
        return mask_shape(read_png(packed, size), (int(corner[0]), int(corner[1])), size)
    if kind == "multipolygon":
        parts = values.to_list(record.get("parts"), "parts")
        return polygon_shape([ring for part in parts for ring in _rings(part)])
    if kind not in ("rectangle", "polygon", "point"):
        raise ValueError(f"a {values.shown(kind)} has no area; expected rectangle, polygon, bitmap or point.")
    rings = _rings(record.get("points"))
    if kind == "polygon":
        return polygon_shape(rings)
    needed = 2 if kind == "rectangle" else 1
    if len(rings[0]) != needed:
        raise ValueError(f"a {kind} has {needed} points, got {len(rings[0])}.")
    if kind == "point":
        return point_shape(*rings[0][0].tolist())
    low, high = rings[0] - _CENTRE
    # Corners may come in any order; what is less than a pixel wide isn't turned round.
    flipped = high < low - 1
    low, high = np.where(flipped, high, low), np.where(flipped, low, high)
    return box_shape(low.tolist(), (high + 1).tolist())


def _rings(points: Any) -> list[FloatArray]:
    """Return exterior and interiors in pixel edges."""
    record = values.to_mapping(points, "points")
    interiors = record.get("interior")
    interiors = values.to_list([] if interiors is None else interiors, "interior")
    rings = [values.to_vertices(ring) for ring in (record.get("exterior"), *interiors)]
    return [ring + _CENTRE for ring in rings]


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``<dataset>/ann/<image>.json`` for every image, where its folder is the dataset, and ``meta.json``.

    Supervisely's own library rounds coordinates to whole pixels when it loads them.

    Raises:
        ValueError: A name leads out of `folder`, or two images would share a file; nothing is written.
    """
    files = [_annotation_path(name) for name in annotations.names]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise ValueError(f"{twice}: two images would be labelled by this file; their names must differ more.")
    paths = resolve_all(folder, files)
    tags = TagWriter(annotations)
    for path, (image, objects) in zip(paths, objects_by_image(annotations), strict=True):
        content = {
            "description": "", "tags": tags.of_image(image["split"]),
            "size": {"height": image["height"], "width": image["width"]},
            "objects": [_to_record(one, image["height"], annotations.categories, tags) for one in objects],
        }  # fmt: skip
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    classes = [
        {"title": name, "shape": "any", "color": f"#{(i * 0x9E3779) % 0x1000000:06X}", "id": i}
        for i, name in enumerate(annotations.categories, 1)
    ]
    meta = {"classes": classes, "tags": tags.definitions(), "projectType": "images"}
    with atomic_path(folder / "meta.json") as temporary:
        temporary.write_text(json.dumps(meta, ensure_ascii=False, indent=1), encoding="utf-8")
    return ()


def _annotation_path(name: str) -> str:
    path = PurePosixPath(name)
    folder = path.parent.parent if path.parent.name == "img" else path.parent
    dataset = folder if folder.parts and str(folder) != "." else PurePosixPath(_DATASET)
    return str(dataset / "ann" / f"{path.name}.json")


def _to_record(one: WrittenObject, height: int, categories: Sequence[str], tags: TagWriter) -> dict[str, Any]:
    kind = {"box": "rectangle", "mask": "bitmap"}.get(one.geometry, one.geometry)
    return {
        "classId": categories.index(one.category) + 1, "classTitle": one.category, "description": "",
        "geometryType": kind, "tags": tags.of_object(one), **_drawn(one, height),
    }  # fmt: skip


def _drawn(one: WrittenObject, height: int) -> dict[str, Any]:
    if one.geometry == "mask":
        crop, top, left = run_lengths_to_crop(one.counts, height)
        data = to_base64(zlib.compress(write_png(crop, opaque=True)))
        return {"bitmap": {"data": data, "origin": [left, top]}}
    x_min, y_min, x_max, y_max = one.box
    interior: list[list[list[float]]] = []
    if one.geometry == "box":
        exterior = [[x_min, y_min], [x_max - 1, y_max - 1]]
    elif one.geometry == "point":
        exterior = [[x_min - _CENTRE, y_min - _CENTRE]]
    else:
        rings = [np.array(ring) for ring in one.rings]
        # The outer ring comes first, whatever the order was.
        exterior, *interior = [
            (ring - _CENTRE).tolist() for ring in (group_rings(rings)[0] if len(rings) > 1 else rings)
        ]
    return {"points": {"exterior": exterior, "interior": interior}}
