"""One shape of CVAT XML, read from its element and written into one."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import numpy as np

from cell_pipelines.annotations.formats.objects.shapes import (
    Shape,
    ellipse_shape,
    mask_shape,
    point_shape,
    polygon_shape,
    rotated_box_shape,
)
from cell_pipelines.annotations.formats.sources.json_values import parse_number, shown
from cell_pipelines.annotations.formats.writing.written import WrittenObject
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_crop
from cell_pipelines.typing import BoolMask


def read_shapes(element: ElementTree.Element, size: tuple[int, int]) -> Iterator[Shape]:
    """Yield what an element stands for in an image of width and height `size`: one shape, or each of its points.

    Raises:
        ValueError: It has no area and is no point, or can't be read.
    """

    def number(key: str, default: str | None = None) -> float:
        return parse_number(element.get(key, default), key)

    if element.tag == "box":
        box = [number(key) for key in ("xtl", "ytl", "xbr", "ybr")]
        centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        yield rotated_box_shape(box, number("rotation", "0"), centre)
    elif element.tag == "ellipse":
        yield ellipse_shape((number("cx"), number("cy")), (number("rx"), number("ry")), number("rotation", "0"))
    elif element.tag == "mask":
        left, top, width, height = (int(number(key)) for key in ("left", "top", "width", "height"))
        yield mask_shape(_decode(element.get("rle", ""), (width, height), size), (left, top), size)
    elif element.tag == "polygon":
        yield polygon_shape([np.array(_points(element), dtype=np.float64)])
    elif element.tag == "points":
        yield from (point_shape(x, y) for x, y in _points(element))
    else:
        raise ValueError(f"a {element.tag} has no area; expected box, polygon, points, mask or ellipse.")


def _points(element: ElementTree.Element) -> list[list[float]]:
    pairs = [pair.split(",") for pair in element.get("points", "").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"`points` must be pairs such as 1,2;3,4, got {shown(element.get('points'))}.")
    return [[parse_number(x, "x"), parse_number(y, "y")] for x, y in pairs]


def _decode(text: str, shape: tuple[int, int], size: tuple[int, int]) -> BoolMask:
    """Return the mask (h, w) that run lengths row by row stand for."""
    width, height = shape
    if not (0 < width <= size[0] and 0 < height <= size[1]):
        raise ValueError(f"the mask has {width}x{height} pixels, its image {size[0]}x{size[1]}.")
    try:
        runs = np.array([int(run) for run in text.split(",")], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"`rle` must be whole numbers such as 3, 5, 7, got {shown(text)}.") from error
    # Each is checked by itself, since a sum of huge ones can come out right.
    if (runs < 0).any() or (runs > width * height).any() or runs.sum() != width * height:
        raise ValueError(f"`rle` must add up to {width}x{height} pixels, got {int(runs.sum())}.")
    return np.repeat(np.arange(runs.size) % 2 == 1, runs).reshape(height, width)


def draw_shape(one: WrittenObject, height: int) -> tuple[str, dict[str, str]]:
    """Return the tag and the XML attributes of an object's shape in an image of `height` pixels."""
    if one.geometry == "box":
        return "box", dict(zip(("xtl", "ytl", "xbr", "ybr"), map(repr, one.box), strict=True))
    if one.geometry == "point":
        return "points", {"points": "{!r},{!r}".format(*one.point)}
    if one.geometry == "polygon":
        return "polygon", {"points": ";".join(f"{x!r},{y!r}" for ring in one.rings for x, y in ring)}
    crop, top, left = run_lengths_to_crop(one.counts, height)
    place = {"left": left, "top": top, "width": crop.shape[1], "height": crop.shape[0]}
    return "mask", {"rle": _encode(crop), **{key: str(value) for key, value in place.items()}}


def _encode(crop: BoolMask) -> str:
    flat = crop.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff([*([0] if flat[0] else []), 0, *edges.tolist(), flat.size])
    return ", ".join(map(str, runs.tolist()))
