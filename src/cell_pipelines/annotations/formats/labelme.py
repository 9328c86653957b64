"""LabelMe (wkentaro): a JSON file beside each image, with polygons, rectangles, circles, points and masks.

LabelMe draws in Qt's image coordinates, so its numbers are pixel edges as ours: the first pixel reaches from 0 to 1;
a mask's two corners are the numbers of its first and last pixel, both included.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.label_pictures.small_masks import from_base64, read_png, to_base64, write_png
from cell_pipelines.annotations.formats.objects.pieces import Piece, join_pieces
from cell_pipelines.annotations.formats.objects.shapes import (
    Shape,
    add_shape,
    box_shape,
    ellipse_shape,
    mask_shape,
    point_shape,
    polygon_shape,
)
from cell_pipelines.annotations.formats.sources import json_values as values
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import choose_name
from cell_pipelines.annotations.formats.sources.label_paths import files_below, label_paths, peek, resolve_all
from cell_pipelines.annotations.formats.sources.text import read_each, read_json
from cell_pipelines.annotations.formats.writing.written import WrittenObject, objects_by_image
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_crop
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path

SUMMARY = "LabelMe JSON, one file per image: labelme of wkentaro, X-AnyLabeling and others that follow it."
# Scores and attributes stand in keys that X-AnyLabeling made and that LabelMe keeps when it saves the file.
CAPABILITIES = Capabilities(geometries=("box", "point", "polygon", "mask"), holes=False, classes="used")

_VERSION = "5.4.1"
_POINTS_NEEDED = {"rectangle": (2, 4), "circle": (2,), "point": (1,), "mask": (2,)}
# A key of ours for the pieces of one object, which LabelMe keeps as it keeps every key that it doesn't know.
_FILL_RULE, _EVEN_ODD = "fill_rule", "even-odd"
_AREA_TYPES = ("polygon", "rectangle", "oriented_rectangle", "rotation", "circle", "mask")


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for name, content in peek(folder, ".json"):
        if b'"shapes"' in content and b'"imagePath"' in content:
            return f"{name} holds shapes and an imagePath"
    return None


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read every LabelMe file below `folder`; polygons and masks of one label and group are one object.

    Args:
        folder: Where the JSON files lie, at any depth.
        images: The images that are there; pictures inside the files are ignored.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for file, content in read_each(folder, files_below(folder, ".json"), read_json, collector.skip_file):
        # Other JSON, such as settings, may lie beside.
        if isinstance(content, Mapping) and "shapes" in content:
            _read_content(collector, file, content)
    return collector.finish("labelme")


def _read_content(collector: AnnotationCollector, file: str, content: Mapping[str, Any]) -> None:
    shapes = content["shapes"]
    if not isinstance(shapes, list):
        collector.skip_file(file, f"`shapes` must be a list, got {values.shown(shapes)}.")
        return
    size = content.get("imageWidth"), content.get("imageHeight")
    known = (size[0], size[1]) if isinstance(size[0], int) and isinstance(size[1], int) else None
    name = _image_name(collector, file, content.get("imagePath"))
    row = collector.image(file, name, near=str(PurePosixPath(file).parent), size=known)
    if row is None or collector.refuse_second_label(file, row):
        collector.drop(file, "", "the objects of a file that is skipped.", len(shapes))
        return
    pieces = list(_read_pieces(collector, file, row, shapes))
    for piece in join_pieces(pieces, collector.size(row)):
        extra = {"score": piece.score, "attributes": piece.attributes}
        add_shape(collector, (file, piece.entry, row), piece.label, piece.shape, **extra)


def _image_name(collector: AnnotationCollector, file: str, path: Any) -> str:
    """Return the image's path below the folder; `path` starts at the file's own place and may climb from there."""
    own = PurePosixPath(file).with_suffix("")
    if not isinstance(path, str) or not path.strip():
        return str(own)
    parts: list[str] = [] if ":" in path or path[0] in "/\\" else list(own.parent.parts)
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", ".") and not part.endswith(":"):
            parts.append(part)
    return choose_name(collector, file, "/".join(parts), str(own))


def _read_pieces(collector: AnnotationCollector, file: str, row: int, shapes: Sequence[Any]) -> Iterator[Piece]:
    for position, record in enumerate(shapes):
        label = record.get("label") if isinstance(record, Mapping) else None
        entry = f"shape {position} ({label if isinstance(label, str) else 'no label'})"
        try:
            yield _read_piece(entry, values.to_mapping(record, "shape"), collector.size(row))
        except ValueError as error:
            collector.drop(file, entry, str(error))


def _read_piece(entry: str, record: Mapping[str, Any], size: tuple[int, int]) -> Piece:
    attributes = dict(record["attributes"]) if isinstance(record.get("attributes"), Mapping) else {}
    for key in ("flags", "description", "difficult"):
        if record.get(key):
            attributes[key] = record[key]
    group, score = record.get("group_id"), record.get("score")
    return Piece(
        entry=entry,
        label=values.to_name(record.get("label"), "label"),
        group=group if isinstance(group, int | str) else None,
        shape=_read_shape(record, size),
        score=None if score is None else values.to_number(score, "score"),
        attributes=values.to_attributes(attributes),
        even_odd=record.get(_FILL_RULE) == _EVEN_ODD,
    )


def _read_shape(record: Mapping[str, Any], size: tuple[int, int]) -> Shape:
    kind = record.get("shape_type") or "polygon"
    points = values.to_vertices(record.get("points"))
    needed = _POINTS_NEEDED.get(kind, ()) if isinstance(kind, str) else ()
    if needed and len(points) not in needed:
        raise ValueError(f"a {kind} has {' or '.join(map(str, needed))} points, got {len(points)}.")
    if kind == "rectangle":
        return box_shape(points.min(axis=0).tolist(), points.max(axis=0).tolist())
    if kind == "circle":
        radius = float(np.hypot(*(points[1] - points[0])))
        return ellipse_shape(points[0].tolist(), (radius, radius))
    if kind == "point":
        return point_shape(*points[0].tolist())
    if kind == "mask":
        corner = int(points[:, 0].min()), int(points[:, 1].min())
        return mask_shape(read_png(from_base64(record.get("mask")), size), corner, size)
    if kind in ("polygon", "oriented_rectangle", "rotation"):
        return polygon_shape([points])
    raise ValueError(f"a shape of type {values.shown(kind)} has no area; expected one of {', '.join(_AREA_TYPES)}.")


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``<image>.json`` for every image, to lie beside it; the picture itself is not put into the file.

    A polygon of several pieces is written as several polygons of one group.

    Raises:
        ValueError: A name leads out of `folder`; nothing is written.
    """
    paths = resolve_all(folder, label_paths(annotations.names, ".json"))
    for path, (image, objects) in zip(paths, objects_by_image(annotations), strict=True):
        content = {
            "version": _VERSION, "flags": {}, "shapes": _shapes(objects, image["height"]),
            "imagePath": PurePosixPath(image["name"]).name, "imageData": None,
            "imageHeight": image["height"], "imageWidth": image["width"],
        }  # fmt: skip
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return ()


def _shapes(objects: Sequence[WrittenObject], height: int) -> list[dict[str, Any]]:
    groups = [_group(one) for one in objects]
    times = Counter(group for one, group in zip(objects, groups, strict=True) if one.geometry in ("polygon", "mask"))
    fresh = max((number for _, number in filter(None, groups)), default=0)
    shapes: list[dict[str, Any]] = []
    for one, group in zip(objects, groups, strict=True):
        number = group[1] if group is not None and times[group] < 2 else None
        if len(one.rings) > 1:
            fresh = number = max(fresh, 0) + 1
        kept = _kept(one, number)
        shapes += [{"label": one.category, **drawn, **kept} for drawn in _drawn(one, height)]
    return shapes


def _group(one: WrittenObject) -> tuple[str, int] | None:
    """Return label and group of an object that may keep its group."""
    number = one.attributes.get("group_id")
    if len(one.rings) > 1 or isinstance(number, bool) or not isinstance(number, int) or abs(number) >= 1 << 31:
        return None
    return one.category, number


def _kept(one: WrittenObject, group: int | None) -> dict[str, Any]:
    """Return what is said of an object, in LabelMe's own keys as far as it has them."""
    attributes = dict(one.attributes)
    kept: dict[str, Any] = {"group_id": group, "description": "", "flags": {}}
    if len(one.rings) > 1:
        kept[_FILL_RULE] = _EVEN_ODD
    elif group is not None:
        del attributes["group_id"]
    description, flags = attributes.get("description"), attributes.get("flags")
    if isinstance(description, str) and description:
        kept["description"] = attributes.pop("description")
    if isinstance(flags, dict) and flags and all(isinstance(value, bool) for value in flags.values()):
        kept["flags"] = attributes.pop("flags")
    if attributes:
        kept["attributes"] = attributes
    if one.score is not None:
        kept["score"] = one.score
    return kept


def _drawn(one: WrittenObject, height: int) -> Iterator[dict[str, Any]]:
    x_min, y_min, x_max, y_max = one.box
    if one.geometry == "box":
        yield {"points": [[x_min, y_min], [x_max, y_max]], "shape_type": "rectangle", "mask": None}
    elif one.geometry == "point":
        yield {"points": [[x_min, y_min]], "shape_type": "point", "mask": None}
    elif one.geometry == "mask":
        crop, top, left = run_lengths_to_crop(one.counts, height)
        corners = [[left, top], [left + crop.shape[1] - 1, top + crop.shape[0] - 1]]
        yield {"points": corners, "shape_type": "mask", "mask": to_base64(write_png(crop))}
    else:
        yield from ({"points": ring, "shape_type": "polygon", "mask": None} for ring in one.rings)
