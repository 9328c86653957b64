"""One region of Label Studio, read from its result and written as one, and the labelling settings that fit it."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cell_pipelines.annotations.formats.label_pictures.brush_runs import decode_brush, encode_brush
from cell_pipelines.annotations.formats.objects.attribute_text import to_xml_text
from cell_pipelines.annotations.formats.objects.shapes import (
    Shape,
    ellipse_shape,
    mask_shape,
    point_shape,
    polygon_shape,
    rotated_box_shape,
)
from cell_pipelines.annotations.formats.sources import json_values as values
from cell_pipelines.annotations.formats.sources.json_files import whole_size
from cell_pipelines.annotations.formats.writing.written import WrittenObject
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask

_CONTROLS = {"box": "RectangleLabels", "point": "KeyPointLabels", "polygon": "PolygonLabels", "mask": "BrushLabels"}
_SHAPE_KEYS = ("rle", "points", "radiusX", "x", "sequence", "vertices")


@dataclass(frozen=True)
class Region:
    """A result that stands for an object.

    Attributes:
        entry: Where it stands among the results.
        label: Class name, also from another result of the same region; None where none names it.
        result: The result.
    """

    entry: str
    label: Any
    result: Mapping[str, Any]


def read_regions(results: Sequence[Any]) -> Iterator[Region]:
    """Yield the results that stand for objects; relations, choices and texts stand for none."""
    labels: dict[str, Any] = {}
    drawn: list[tuple[int, Mapping[str, Any], Any]] = []
    for position, result in enumerate(results):
        value = result.get("value") if isinstance(result, Mapping) else None
        if not isinstance(value, Mapping):
            continue
        found = next((v for k, v in value.items() if k.endswith("labels")), None)
        label = found[0] if isinstance(found, list) and found else found
        identity = result.get("id")
        if label and isinstance(identity, str):
            labels.setdefault(identity, label)
        if any(key in value for key in _SHAPE_KEYS):
            drawn.append((position, result, label))
    for position, result, own in drawn:
        identity = result.get("id")
        label = own or (labels.get(identity) if isinstance(identity, str) else None)
        yield Region(f"result {position} ({label if isinstance(label, str) else 'no label'})", label, result)


def stated_size(results: Sequence[Any]) -> tuple[int, int] | None:
    """Return width and height of the image that was annotated, of which all numbers are percentages; None for none."""
    stated = (whole_size(r.get("original_width"), r.get("original_height")) for r in results if isinstance(r, Mapping))
    return next(filter(None, stated), None)


def read_region(region: Region, size: tuple[int, int]) -> tuple[str, Shape, dict[str, Any]]:
    """Return label, shape, and score and attributes of a region.

    Raises:
        ValueError: It can't be read, or has no area and is no point.
    """
    result, meta = region.result, region.result.get("meta")
    if result.get("image_rotation") not in (None, 0):
        raise ValueError(f"the image was turned in the tool by {values.shown(result['image_rotation'])} degrees.")
    score = result.get("score")
    extra = {
        "score": None if score is None else values.to_number(score, "score"),
        "attributes": values.to_attributes(meta) if isinstance(meta, Mapping) else None,
    }
    return values.to_name(region.label, "label"), _read_shape(result, size), extra


def _read_shape(result: Mapping[str, Any], size: tuple[int, int]) -> Shape:
    value = values.to_mapping(result["value"], "value")
    if "rle" in value:
        return mask_shape(decode_brush(value["rle"], *size), (0, 0), size)
    scale = np.array(size, dtype=np.float64) / 100
    if "points" in value:
        return polygon_shape([values.to_vertices(value["points"]) * np.array(size, dtype=np.float64) / 100])
    if not {"x", "y"} <= set(value):
        raise ValueError("a region must be a rectangle, polygon, ellipse, brush or key point of an image.")

    def number(key: str, default: float | None = None) -> float:
        return values.to_number(value.get(key, default), key)

    x, y = number("x") * scale[0], number("y") * scale[1]
    rotation = number("rotation", 0.0)
    if "radiusX" in value:
        radii = number("radiusX") * scale[0], number("radiusY") * scale[1]
        return ellipse_shape((x, y), radii, rotation)
    if "height" in value:
        box = (x, y, x + number("width") * scale[0], y + number("height") * scale[1])
        return rotated_box_shape([float(v) for v in box], rotation, (x, y))
    return point_shape(float(x), float(y))


def to_region(position: int, one: WrittenObject, image: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as a result."""
    kind = _CONTROLS[one.geometry].lower()
    region: dict[str, Any] = {
        "id": f"r{position}", "type": kind, "from_name": one.geometry, "to_name": "image",
        "original_width": image["width"], "original_height": image["height"], "image_rotation": 0,
        "value": {**_drawn(one, image), kind: [one.category]},
    }  # fmt: skip
    if one.score is not None:
        region["score"] = one.score
    if one.attributes:
        region["meta"] = one.attributes
    return region


def _drawn(one: WrittenObject, image: Mapping[str, Any]) -> dict[str, Any]:
    across, down = 100 / image["width"], 100 / image["height"]
    x_min, y_min, x_max, y_max = one.box
    corner = {"x": x_min * across, "y": y_min * down}
    if one.geometry == "box":
        return corner | {"width": (x_max - x_min) * across, "height": (y_max - y_min) * down, "rotation": 0}
    if one.geometry == "point":
        return corner | {"width": 0.5}
    if one.geometry == "polygon":
        # Divided last, so that the far edge is 100 and not a trifle more, which a reader would cut off.
        width, height = image["width"], image["height"]
        return {"points": [[x * 100 / width, y * 100 / height] for ring in one.rings for x, y in ring], "closed": True}
    mask = run_lengths_to_mask(one.counts, image["height"], image["width"])
    return {"format": "rle", "rle": encode_brush(mask)}


def to_config(categories: Sequence[str]) -> bytes:
    """Return labelling settings with a control for each geometry."""
    root = ElementTree.Element("View")
    ElementTree.SubElement(root, "Image", {"name": "image", "value": "$image"})
    for geometry, control in _CONTROLS.items():
        element = ElementTree.SubElement(root, control, {"name": geometry, "toName": "image"})
        for name in categories:
            ElementTree.SubElement(element, "Label", {"value": to_xml_text(name)})
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8")
    return content
