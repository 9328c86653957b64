"""VoTT's JSON: the export of a project (``*-export.json``) or one file per image (``*-asset.json``).

Coordinates are pixel edges as on VoTT's canvas. A region may bear several tags: the first is the class, the others
are kept in the attribute ``tags``. An asset that nobody has visited is an image without label, not an empty one.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.shapes import (  # fmt: skip
    Shape,
    add_shape,
    box_shape,
    point_shape,
    polygon_shape,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.file_images import FileImages
from cell_pipelines.annotations.formats.sources.json_files import entries, mapping, whole_size, write_json
from cell_pipelines.annotations.formats.sources.json_values import to_name, to_number
from cell_pipelines.annotations.formats.sources.tables import data_files, evidence, peek
from cell_pipelines.annotations.formats.sources.text import read_each, read_json
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet, box_array

CAPABILITIES = Capabilities(
    geometries=("box", "point", "polygon"), holes=False, pieces=False, scores=False, attributes=False, splits=True
)
SUMMARY = "VoTT JSON: boxes, polygons and points of Microsoft's VoTT, as exported or as asset files."

_NOT_VISITED = 0
_COLOURS = ("#5db300", "#e81123", "#6917aa", "#015cda", "#ffe100", "#00bcf2")
_POINT, _POLYGON = GEOMETRIES.index("point"), GEOMETRIES.index("polygon")
# Blanks may stand anywhere, and the path of an asset may be long.
_ASSETS = re.compile(r'"assets"\s*:\s*\{\s*("[^"]*"\s*:\s*\{\s*"(asset|regions|version)"|\})')
_ASSET = re.compile(r'\s*\{\s*"(asset"\s*:\s*\{|regions"\s*:\s*\[)')


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    found = (path for path in data_files(folder, ".json") if _is_vott(path))
    return evidence(folder, found, "a JSON file of VoTT's assets")


def _is_vott(path: Path) -> bool:
    text = peek(path)
    if path.name.lower().endswith("-asset.json"):
        return bool(_ASSET.match(text))
    return bool(_ASSETS.search(text))


def read(folder: Path, images: ImageIndex, **options: Any) -> Conversion:
    """Read the asset files and exports below `folder`; an image in several is read from its asset file.

    Args:
        folder: Where the JSON files lie, at any depth; a folder or export called train, valid or test is a split.
        images: The images that are there.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.
    """
    paths = [path for path in data_files(folder, ".json") if _is_vott(path)]
    # Asset files are what VoTT itself works on; an export may be older.
    paths.sort(key=lambda path: not path.name.lower().endswith("-asset.json"))
    problems: dict[str, str] = {}
    contents = dict(read_each(folder, paths, read_json, problems.__setitem__))
    collector = AnnotationCollector(
        images, **{**options, "classes": options.get("classes") or _tags(contents.values()) or None}
    )
    for problem in problems.items():
        collector.skip_file(*problem)
    for file, content in contents.items():
        whole = mapping(content)
        assets = [whole] if "asset" in whole else entries(whole.get("assets"))
        found = FileImages(collector, file)
        for asset in assets:
            _read_asset(collector, file, found, mapping(asset))
        found.finish()
    return collector.finish("vott_json")


def _tags(files: Iterable[Any]) -> list[str]:
    """Return the tags of all projects in their order, then those that regions bear besides."""
    names: dict[str, None] = {}
    contents = [mapping(content) for content in files]
    for content in contents:
        listed = (mapping(tag).get("name") for tag in entries(content.get("tags")))
        names.update((name.strip(), None) for name in listed if isinstance(name, str) and name.strip())
    for content in contents:
        for asset in [content, *entries(content.get("assets"))]:
            for region in entries(mapping(asset).get("regions")):
                names.update((tag, None) for tag in _region_tags(mapping(region))[:1])
    return list(names)


def _region_tags(region: Mapping[str, Any]) -> list[str]:
    return [tag.strip() for tag in entries(region.get("tags")) if isinstance(tag, str) and tag.strip()]


def _read_asset(collector: AnnotationCollector, file: str, images: FileImages, content: Mapping[str, Any]) -> None:
    asset, regions = mapping(content.get("asset")), entries(content.get("regions"))
    name = _image_name(asset)
    if not regions and asset.get("state") == _NOT_VISITED:
        return
    if not name:
        collector.skip_file(file, "an asset has no `name`.")
        collector.drop(file, "", "the objects of an asset without a name.", len(regions))
        return
    size = mapping(asset.get("size"))
    row = images.row(name, whole_size(size.get("width"), size.get("height")))
    for count, region in enumerate(regions, start=1):
        if row is None:
            images.leave_out(name)
        else:
            _read_region(collector, (file, f"{name}, region {count}"), row, mapping(region))


def _image_name(asset: Mapping[str, Any]) -> str:
    """Return the path of an asset where it is relative, else its name."""
    name, path = asset.get("name"), asset.get("path")
    if isinstance(path, str):
        relative = unquote(path.removeprefix("file:"))
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]", relative):
            return relative
    return name if isinstance(name, str) else ""


def _read_region(collector: AnnotationCollector, place: tuple[str, str], row: int, region: Mapping[str, Any]) -> None:
    tags = _region_tags(region)
    try:
        if not tags:
            raise ValueError("the region has no tag.")
        attributes = {"tags": tags[1:]} if tags[1:] else None
        add_shape(collector, (*place, row), to_name(tags[0], "tags"), _shape(region), attributes=attributes)
    except ValueError as error:
        collector.drop(*place, str(error))


def _shape(region: Mapping[str, Any]) -> Shape:
    kind = str(region.get("type", "RECTANGLE")).upper()
    points = [mapping(point) for point in entries(region.get("points"))]
    ring = [(to_number(point.get("x"), "x"), to_number(point.get("y"), "y")) for point in points]
    if kind in ("RECTANGLE", "SQUARE"):
        return _box(region, ring)
    if kind == "POLYGON":
        return polygon_shape([np.array(ring, dtype=np.float64).reshape(-1, 2)])
    if kind == "POINT" and ring:
        return point_shape(*ring[0])
    raise ValueError(f"expected a rectangle, polygon or point, got a region of the type {kind[:40]!r}.")


def _box(region: Mapping[str, Any], ring: Sequence[tuple[float, float]]) -> Shape:
    box = mapping(region.get("boundingBox"))
    if not box and ring:
        xs, ys = zip(*ring, strict=True)
        return box_shape((min(xs), min(ys)), (max(xs), max(ys)))
    left, top, width, height = (to_number(box.get(key), key) for key in ("left", "top", "width", "height"))
    return Shape("box", (left, top, left + width, top + height))


def write(annotations: AnnotationSet, folder: Path) -> tuple[Finding, ...]:
    """Write ``vott-export.json``, and ``train-export.json`` and so on for images with a split."""
    objects = annotations.objects
    regions: list[list[dict[str, Any]]] = [[] for _ in range(annotations.n_images)]
    rings = Rings.from_arrow(objects["rings"])
    columns = (objects[name].to_pylist() for name in ("image", "category", "geometry"))
    for row, (image, category, geometry, box) in enumerate(zip(*columns, box_array(objects).tolist(), strict=True)):
        outline = rings.of(row)[0].tolist() if geometry == _POLYGON else _corners(*box)
        region = _region(geometry, box, outline[:1] if geometry == _POINT else outline)
        region["tags"] = [annotations.categories[category]]
        regions[image].append({"id": f"region{row}", **region})
    assets: dict[str, dict[str, Any]] = defaultdict(dict)
    for record, found in zip(annotations.images.to_pylist(), regions, strict=True):
        asset = _asset(record, bool(found))
        file = f"{record['split'] or 'vott'}-export.json"
        assets[file][asset["id"]] = {"asset": asset, "regions": found, "version": "2.2.0"}
    for file, content in (assets or {"vott-export.json": {}}).items():
        name = file.removesuffix("-export.json")
        tags = [{"name": n, "color": _COLOURS[i % len(_COLOURS)]} for i, n in enumerate(annotations.categories)]
        write_json(folder / file, {"name": name, "id": name, "version": "2.2.0", "tags": tags, "assets": content})
    return ()


def _asset(record: Mapping[str, Any], tagged: bool) -> dict[str, Any]:
    name = record["name"]
    identity = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    path = PurePosixPath(name)
    return {
        "format": path.suffix.removeprefix("."), "id": identity, "name": path.name, "path": name.replace("%", "%25"),
        "size": {"width": record["width"], "height": record["height"]}, "state": 2 if tagged else 1, "type": 1,
    }  # fmt: skip


def _corners(x_min: float, y_min: float, x_max: float, y_max: float) -> list[list[float]]:
    return [[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]]


def _region(geometry: int, box: Sequence[float], outline: Sequence[Sequence[float]]) -> dict[str, Any]:
    kind = {_POINT: "POINT", _POLYGON: "POLYGON"}.get(geometry, "RECTANGLE")
    sides = {"left": box[0], "top": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}
    return {"type": kind, "boundingBox": sides, "points": [{"x": x, "y": y} for x, y in outline]}
