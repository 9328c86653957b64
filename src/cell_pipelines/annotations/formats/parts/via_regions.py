"""Regions of the VGG Image Annotator, versions 1 and 2: their shapes, their class, and images with their regions.

Coordinates are pixel edges as on the annotator's canvas, also those of points. Circles and ellipses become polygons.
A line has no area, unless it ends where it begins. The class is one of the attributes that the user has invented.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.objects.shapes import (
    Shape,
    add_shape,
    ellipse_shape,
    point_shape,
    polygon_shape,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import FileImages
from cell_pipelines.annotations.formats.sources.json_files import entries, mapping
from cell_pipelines.annotations.formats.sources.json_values import shown, to_attributes, to_name, to_number, to_vertices
from cell_pipelines.annotations.images import SPLITS
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet, box_array
from cell_pipelines.typing import FloatArray

CLASS, SCORE, SPLIT = "class", "score", "split"
NO_CLASS = "cell"
# An attribute of ours that is called like one of the two above.
_ESCAPE = "attribute:"
_CLASS_WORDS = ("class", "label", "category", "type", "name", "cell_type", "celltype", "class_name", "object")
_POINT, _POLYGON = GEOMETRIES.index("point"), GEOMETRIES.index("polygon")


@dataclass(frozen=True)
class ImageEntry:
    """Entry of one image.

    Attributes:
        name: The image's name in the file.
        regions: Its regions as the file has them.
        attributes: Attributes of the whole image.
    """

    name: str
    regions: Sequence[Mapping[str, Any]]
    attributes: Mapping[str, Any]


def choose_class_attribute(images: Iterable[ImageEntry], wanted: str | None) -> str | None:
    """Return the attribute that holds the class: `wanted`, the only one, or one called class, label and the like.

    None means that no region has any attribute.

    Raises:
        AnnotationFormatError: There are several attributes, and none is called so.
    """
    found: Counter[str] = Counter()
    for image in images:
        for region in image.regions:
            found.update(mapping(region.get("region_attributes")).keys())
    if wanted is not None or not found:
        return wanted
    spelled = {name.casefold(): name for name in found}
    known = next((spelled[word] for word in _CLASS_WORDS if word in spelled), None)
    if known is None and len(found) > 1:
        raise AnnotationFormatError(
            f"the regions have the attributes {', '.join(sorted(found))}; say which is the class by `class_attribute`."
        )
    return known or next(iter(found))


def read_entries(
    collector: AnnotationCollector, file: str, images: Iterable[ImageEntry], class_attribute: str | None
) -> None:
    """Take all regions of all images of a file."""
    rows = FileImages(collector, file)
    for image in images:
        split = image.attributes.get(SPLIT)
        row = rows.row(image.name, split=split if isinstance(split, str) and split in SPLITS else None)
        for count, region in enumerate(image.regions, start=1):
            if row is None:
                rows.leave_out(image.name)
            else:
                _read_region(collector, (file, f"{image.name}, region {count}"), row, region, class_attribute)
    rows.finish()


def _read_region(
    collector: AnnotationCollector,
    place: tuple[str, str],
    row: int,
    region: Mapping[str, Any],
    class_attribute: str | None,
) -> None:
    attributes = dict(mapping(region.get("region_attributes")))
    try:
        name = NO_CLASS if class_attribute is None else _class_name(attributes.pop(class_attribute, None))
        score = _pop_score(attributes)
        kept = to_attributes({key.removeprefix(_ESCAPE): value for key, value in attributes.items()})
        shape = _read_shape(mapping(region.get("shape_attributes")))
        add_shape(collector, (*place, row), name, shape, score=score, attributes=kept or None)
    except ValueError as error:
        collector.drop(*place, str(error))


def _class_name(value: Any) -> str:
    """Return the class: a text or number, or the one box that is ticked.

    Raises:
        ValueError: There is no class, or several.
    """
    if isinstance(value, Mapping):
        ticked = [name for name, on in value.items() if on is True]
        if len(ticked) != 1:
            raise ValueError(f"expected one class, got {', '.join(ticked) or 'none'}.")
        value = ticked[0]
    name = to_name(f"{to_number(value, 'class'):g}" if isinstance(value, int | float) else value, "class").strip()
    if name == "undefined":
        raise ValueError("the region has no class.")
    return name


def used_classes(images: Iterable[ImageEntry], class_attribute: str | None) -> list[str]:
    """Return the classes that regions have, in order of appearance."""
    names: dict[str, None] = {}
    for region in (region for image in images for region in image.regions):
        try:
            names[_class_name(mapping(region.get("region_attributes")).get(class_attribute or ""))] = None
        except ValueError:
            # It is listed where the region is read.
            continue
    return list(names)


def _pop_score(attributes: dict[str, Any]) -> float | None:
    """Take out the score; what is none stays among the attributes."""
    try:
        score = float(attributes.get(SCORE, ""))
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 <= score <= 1 or isinstance(attributes[SCORE], bool):
        return None
    del attributes[SCORE]
    return score


def _read_shape(shape: Mapping[str, Any]) -> Shape:
    kind = shape.get("name")
    if kind == "rect":
        x, y, width, height = _numbers(shape, "x", "y", "width", "height")
        return Shape("box", (x, y, x + width, y + height))
    if kind == "point":
        return point_shape(*_numbers(shape, "cx", "cy"))
    if kind == "circle":
        x, y, radius = _numbers(shape, "cx", "cy", "r")
        return ellipse_shape((x, y), (radius, radius))
    if kind == "ellipse":
        x, y, *radii = _numbers(shape, "cx", "cy", "rx", "ry")
        # The angle came with version 2.0.9, in radians.
        return ellipse_shape((x, y), radii, math.degrees(to_number(shape.get("theta", 0), "theta")))
    if kind in ("polygon", "polyline"):
        return _polygon(shape, kind)
    raise ValueError(f"expected rect, polygon, circle, ellipse, point or a closed polyline, got {shown(kind)}.")


def _polygon(shape: Mapping[str, Any], kind: str) -> Shape:
    xs, ys = (entries(shape.get(name)) for name in ("all_points_x", "all_points_y"))
    if len(xs) != len(ys):
        raise ValueError(f"expected as many x as y, got {len(xs)} and {len(ys)}.")
    if kind == "polyline" and (len(xs) < 4 or (xs[0], ys[0]) != (xs[-1], ys[-1])):
        raise ValueError("a line has no area.")
    return polygon_shape([to_vertices(list(zip(xs, ys, strict=True)))])


def _numbers(shape: Mapping[str, Any], *names: str) -> list[float]:
    return [to_number(shape.get(name), name) for name in names]


def regions_by_image(annotations: AnnotationSet) -> list[list[dict[str, Any]]]:
    """Return the regions of each image, in the order of the images."""
    objects = annotations.objects
    rings = Rings.from_arrow(objects["rings"])
    regions: list[list[dict[str, Any]]] = [[] for _ in range(annotations.n_images)]
    columns = (objects[name].to_pylist() for name in ("image", "category", "geometry", "score", "attributes"))
    for row, (image, category, geometry, score, text, box) in enumerate(
        zip(*columns, box_array(objects).tolist(), strict=True)
    ):
        attributes = {CLASS: annotations.categories[category], **dict(_escaped(json.loads(text) if text else {}))}
        if score is not None:
            attributes[SCORE] = f"{score:.9g}"
        ring = rings.of(row)[0] if geometry == _POLYGON else None
        regions[image].append({"shape_attributes": _shape(geometry, box, ring), "region_attributes": attributes})
    return regions


def _escaped(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in attributes.items():
        special = key in (CLASS, SCORE) or key.startswith(_ESCAPE)
        yield f"{_ESCAPE}{key}" if special else key, value


def _shape(geometry: int, box: Sequence[float], ring: FloatArray | None) -> dict[str, Any]:
    if ring is not None:
        return {"name": "polygon", "all_points_x": ring[:, 0].tolist(), "all_points_y": ring[:, 1].tolist()}
    if geometry == _POINT:
        return {"name": "point", "cx": box[0], "cy": box[1]}
    return {"name": "rect", "x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}
