"""V7 Darwin: a JSON file an image, version 2.0 with an item and its slots, and the older 1.0 with an image.

Darwin's places are decimal pixels counted from the image's upper left corner, so they are pixel edges as ours; a
polygon's paths are filled by the even-odd rule; a raster layer's runs go row by row.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.attribute_text import from_text, to_text
from cell_pipelines.annotations.formats.objects.shapes import (
    Place,
    Shape,
    add_shape,
    box_shape,
    ellipse_shape,
    point_shape,
    polygon_shape,
)
from cell_pipelines.annotations.formats.parts.darwin_raster import raster_masks
from cell_pipelines.annotations.formats.sources import json_values as values
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import choose_name
from cell_pipelines.annotations.formats.sources.label_paths import files_below, label_paths, peek, resolve_all
from cell_pipelines.annotations.formats.sources.text import read_each, read_json
from cell_pipelines.annotations.formats.writing.written import WrittenObject, objects_by_image
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path
from cell_pipelines.typing import FloatArray

SUMMARY = "V7 Darwin JSON, one file per image: 2.0 and, when read, 1.0."
# A raster layer gives each pixel to one mask, so masks are written as polygons, which may overlap.
CAPABILITIES = Capabilities(geometries=("box", "point", "polygon"), classes="used")

_SCHEMA = "https://darwin-public.s3.eu-west-1.amazonaws.com/darwin_json/2.0/schema.json"


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for name, content in peek(folder, ".json"):
        item = b'"item"' in content and b'"slots"' in content
        older = b'"image"' in content and b'"original_filename"' in content
        if (item or older) and b'"annotations"' in content and b'"images"' not in content:
            return f"{name} holds the annotations of an item"
    return None


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every Darwin file below `folder`.

    Args:
        folder: Where the JSON files lie, at any depth.
        images: The images that are there.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for file, content in read_each(folder, files_below(folder, ".json"), read_json, collector.skip_file):
        # Other JSON, such as settings, may lie beside.
        if isinstance(content, Mapping) and any(isinstance(content.get(key), Mapping) for key in ("item", "image")):
            _read_content(collector, file, content)
    return collector.finish("darwin")


def _read_content(collector: AnnotationCollector, file: str, content: Mapping[str, Any]) -> None:
    listed = content.get("annotations")
    if not isinstance(listed, list):
        collector.skip_file(file, f"`annotations` must be a list, got {values.shown(listed)}.")
        return
    name, size = _image(content)
    tags = sum(isinstance(a, Mapping) and "tag" in a for a in listed)
    drawn = [(i, a) for i, a in enumerate(listed) if not (isinstance(a, Mapping) and {"tag", "raster_layer"} & set(a))]
    near = str(PurePosixPath(file).parent)
    row = collector.image(file, choose_name(collector, file, name), near=near, size=size)
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, "", "the objects of a file that is skipped.", len(drawn))
        return
    if tags:
        collector.note(file, "", "noted", f"{tags} tags of the whole image are no objects.", 0)
    masks = raster_masks(listed, collector.size(row))
    for position, annotation in drawn:
        label = annotation.get("name") if isinstance(annotation, Mapping) else None
        entry = f"annotation {position} ({label if isinstance(label, str) else 'no name'})"
        _read_annotation(collector, (file, entry, row), annotation, masks)


def _image(content: Mapping[str, Any]) -> tuple[str, tuple[int, int] | None]:
    """Return path and size of the image, as far as the file gives them."""
    item = content["item"] if isinstance(content.get("item"), Mapping) else content["image"]
    slots = item.get("slots")
    slot = slots[0] if isinstance(slots, list) and slots and isinstance(slots[0], Mapping) else item
    texts = [item.get("path"), item.get("name") or item.get("original_filename") or item.get("filename")]
    parts = [text.strip("/") for text in texts if isinstance(text, str)]
    width, height = slot.get("width"), slot.get("height")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    return "/".join(filter(None, parts)) if isinstance(texts[1], str) else "", size


def _read_annotation(
    collector: AnnotationCollector, place: Place, annotation: Any, masks: Mapping[str, Shape | str]
) -> None:
    file, entry, _ = place
    try:
        annotation = values.to_mapping(annotation, "annotation")
        name = values.to_name(annotation.get("name"), "name")
        shape = _read_shape(annotation, masks)
        inference = annotation.get("inference")
        confidence = inference.get("confidence") if isinstance(inference, Mapping) else None
        score = None if confidence is None else values.to_number(confidence, "confidence")
        attributes = values.to_attributes(dict(_read_attributes(annotation)))
    except ValueError as error:
        collector.drop(file, entry, str(error))
        return
    add_shape(collector, place, name, shape, score=score, attributes=attributes)


def _read_attributes(annotation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, inner in (("text", "text"), ("instance_id", "value")):
        found = annotation.get(key)
        if isinstance(found, Mapping) and found.get(inner) is not None:
            yield key, found[inner]
    if annotation.get("attributes"):
        yield "attributes", annotation["attributes"]
    properties = annotation.get("properties")
    for entry in properties if isinstance(properties, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            value = entry.get("value")
            yield entry["name"], from_text(value) if isinstance(value, str) else value


def _read_shape(annotation: Mapping[str, Any], masks: Mapping[str, Shape | str]) -> Shape:
    for key in ("polygon", "complex_polygon"):
        if key in annotation:
            return polygon_shape(_paths(values.to_mapping(annotation[key], key)))
    if "ellipse" in annotation:
        ellipse = values.to_mapping(annotation["ellipse"], "ellipse")
        angle = np.degrees(values.to_number(ellipse.get("angle", 0), "angle"))
        return ellipse_shape(
            _pair(ellipse.get("center"), "center"), _pair(ellipse.get("radius"), "radius"), float(angle)
        )
    if "bounding_box" in annotation:
        box = values.to_mapping(annotation["bounding_box"], "bounding_box")
        x, y, width, height = (values.to_number(box.get(key), key) for key in ("x", "y", "w", "h"))
        return box_shape((x, y), (x + width, y + height))
    if "keypoint" in annotation:
        return point_shape(*_pair(annotation["keypoint"], "keypoint"))
    if "mask" in annotation:
        found = masks.get(str(annotation.get("id")), "no raster layer holds this mask.")
        if isinstance(found, str):
            raise ValueError(found)
        return found
    kinds = ", ".join(sorted(map(str, set(annotation) - {"id", "name", "slot_names", "properties"}))[:5])
    raise ValueError(f"expected a bounding_box, polygon, ellipse, keypoint or mask, got {kinds or 'none'}.")


def _paths(polygon: Mapping[str, Any]) -> list[FloatArray]:
    """Return the rings of a polygon: `paths` in 2.0, in 1.0 a `path` of vertices or of paths, and more beside."""
    found = values.to_list(polygon.get("paths", polygon.get("path")), "paths")
    paths = found if found and isinstance(found[0], list) else [found]
    more = polygon.get("additional_paths")
    return [_path(path) for path in [*paths, *(more if isinstance(more, list) else [])]]


def _path(path: Any) -> FloatArray:
    pairs = [[v.get("x"), v.get("y")] if isinstance(v, Mapping) else v for v in values.to_list(path, "path")]
    return values.to_vertices(pairs, "path")


def _pair(value: Any, name: str) -> tuple[float, float]:
    pair = values.to_mapping(value, name)
    return values.to_number(pair.get("x"), f"{name}.x"), values.to_number(pair.get("y"), f"{name}.y")


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``<image>.json`` of version 2.0 for every image.

    Attributes are written as properties, scores as the confidence of an inference.

    Raises:
        ValueError: A name leads out of `folder`; nothing is written.
    """
    paths = resolve_all(folder, label_paths(annotations.names, ".json"))
    for path, (image, objects) in zip(paths, objects_by_image(annotations), strict=True):
        name = PurePosixPath(image["name"])
        slot = {"type": "image", "slot_name": "0", "width": image["width"], "height": image["height"]}
        item = {
            "name": name.name, "path": "/" if str(name.parent) == "." else f"/{name.parent}",
            "slots": [{**slot, "source_files": []}],
        }  # fmt: skip
        written = [_to_annotation(f"{number:08x}", one) for number, one in enumerate(objects)]
        content = {"version": "2.0", "schema_ref": _SCHEMA, "item": item, "annotations": written}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return ()


def _to_annotation(identity: str, one: WrittenObject) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = one.box
    box = {"x": x_min, "y": y_min, "w": x_max - x_min, "h": y_max - y_min}
    drawn: dict[str, Any] = {"bounding_box": box}
    if one.geometry == "point":
        drawn = {"keypoint": {"x": x_min, "y": y_min}}
    elif one.geometry == "polygon":
        drawn["polygon"] = {"paths": [[{"x": x, "y": y} for x, y in ring] for ring in one.rings]}
    if one.score is not None:
        drawn["inference"] = {"confidence": one.score, "model": {"name": "cell-pipelines"}}
    properties = [{"frame_index": None, "name": k, "value": to_text(v)} for k, v in one.attributes.items()]
    annotation_id = f"00000000-0000-4000-8000-0000{identity}"
    return {"id": annotation_id, "name": one.category, "slot_names": ["0"], "properties": properties, **drawn}
