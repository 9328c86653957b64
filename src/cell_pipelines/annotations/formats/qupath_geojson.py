"""QuPath GeoJSON: one file per image; annotations, detections and cells as features in pixels of the full resolution.

Coordinates are pixel edges, the upper left corner of the image is (0, 0), as inside. What QuPath has no place for
stands in an object's ``metadata`` under names that begin with ``cell_pipelines:``, which QuPath shows and keeps.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

import numpy as np

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.parts.geojson import AREAS, POINTS, area_rings, point_positions, to_geometry
from cell_pipelines.annotations.formats.parts.geojson_files import (
    bare_name,
    geojson_beginning,
    geojson_files,
    read_geojson,
)
from cell_pipelines.annotations.formats.parts.qupath_properties import (
    OWN,
    Described,
    classify,
    describe,
    read_properties,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_paths import label_paths, resolve_all
from cell_pipelines.annotations.formats.sources.planes import PlaneImages, Position
from cell_pipelines.annotations.formats.sources.text import parse_json, read_each
from cell_pipelines.annotations.geometry.conventions import to_rings
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.files import atomic_path
from cell_pipelines.typing import FloatArray

CAPABILITIES = Capabilities(geometries=("box", "point", "polygon"), ignored_regions=True, classes="used")
SUMMARY = "QuPath's GeoJSON, one file per image: polygons with holes, points, classes, measurements; QuPath writes it."

UNCLASSIFIED = "unclassified"
Part = Literal["cell", "nucleus"]
_NO_OBJECTS = {"root": "the root of QuPath's objects", "tmaCore": "a core of a tissue microarray"}
_TELLING = (b'"objectType"', b'"object_type"', b'"PathAnnotationObject"', b'"PathDetectionObject"', b'"PathCellObject"')


@dataclass(frozen=True)
class _Choice:
    part: Part
    unclassified: str
    object_types: frozenset[str] | None


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for path in geojson_files(folder):
        text = geojson_beginning(path)
        is_feature = b'"Feature"' in text or b'"FeatureCollection"' in text
        if is_feature and (".geojson" in path.name.lower() or any(key in text for key in _TELLING)):
            return f"{path.relative_to(folder).as_posix()} holds GeoJSON features"
    return None


def read(
    folder: Path, images: ImageIndex, *, part: Part = "cell", unclassified: str = UNCLASSIFIED,
    object_types: Sequence[str] | None = None, **options: Any,
) -> Conversion:  # fmt: skip
    """Read every GeoJSON file below `folder`, also packed; its name without ``.geojson`` is that of its image.

    Args:
        folder: Where the files lie, at any depth.
        images: The images that are there; a file without features tells of an image without cells.
        part: Whether a cell of QuPath gives its outer boundary or its nucleus.
        unclassified: Class of the objects that have none.
        object_types: Types to take, such as ``["detection", "cell"]`` where annotations are regions around many
            cells; None takes every type but the root and the cores of tissue microarrays.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `part` is unknown.
    """
    if part not in get_args(Part):
        raise ValueError(f"`part` must be one of {', '.join(get_args(Part))}, got {part!r}.")
    choice = _Choice(part, unclassified, None if object_types is None else frozenset(object_types))
    collector = AnnotationCollector(images, sort_categories=True, **options)
    for file, features in read_each(folder, geojson_files(folder), _features, collector.skip_file):
        # Other JSON, such as settings, may lie beside.
        if features is not None:
            _read_features(collector, file, features, choice)
    return collector.finish("qupath_geojson")


def _features_of(content: Any) -> list[Any]:
    """Return the features of JSON that is surely GeoJSON, else an empty list."""
    listed = content.get("features", [content]) if isinstance(content, Mapping) else content
    found = listed if isinstance(listed, list) else []
    return found if any(isinstance(f, Mapping) and f.get("type") == "Feature" for f in found) else []


def _features(path: Path) -> list[Any] | None:
    """Return the features of a collection, a list or a single one; None for an empty object and for other JSON."""
    content = parse_json(read_geojson(path))
    if ".geojson" not in path.name.lower() and not _features_of(content):
        return None
    if isinstance(content, Mapping) and content.get("type") == "Feature":
        return [content]
    listed = content.get("features") if isinstance(content, Mapping) else content
    if isinstance(listed, list):
        return listed
    if content == {}:
        return None
    raise ValueError("expected a FeatureCollection, a list of features or a Feature.")


def _read_features(collector: AnnotationCollector, file: str, features: list[Any], choice: _Choice) -> None:
    rows = PlaneImages(collector, file, bare_name(file), str(PurePosixPath(file).parent)).rows(
        [*map(_position, features)]
    )
    if rows is None:
        collector.drop(file, "", "the objects of a file that is skipped.", len(features))
        return
    kinds: set[str] = set()
    for number, (row, feature) in enumerate(zip(rows, features, strict=True), start=1):
        entry = f"feature {number}"
        if row is None:
            continue
        if not isinstance(feature, Mapping):
            collector.drop(file, entry, "expected a Feature.")
            continue
        described = read_properties(feature)
        kinds.add(described.object_type)
        if described.object_type in _NO_OBJECTS:
            collector.note(file, entry, "noted", f"{_NO_OBJECTS[described.object_type]} is no cell; left out.", 0)
        elif choice.object_types is not None and described.object_type not in choice.object_types:
            collector.drop(file, entry, f"`object_types` does not take the type {described.object_type!r}.")
        else:
            _read_object(collector, (file, entry, row), feature, described, choice)
    if choice.object_types is None and "annotation" in kinds and kinds & {"detection", "cell"}:
        reason = "holds annotations beside detections or cells, and all are taken; `object_types` chooses among them."
        collector.note(file, "", "noted", reason, 0)


def _position(feature: Any) -> Position:
    """Return the plane that a feature names; QuPath names none for the first of all."""
    geometry = feature.get("geometry") if isinstance(feature, Mapping) else None
    plane = geometry.get("plane") if isinstance(geometry, Mapping) else None
    named = plane if isinstance(plane, Mapping) else {}
    time, depth = (named.get(key) for key in "tz")
    return Position(time if isinstance(time, int) else 0, depth if isinstance(depth, int) else 0)


def _read_object(
    collector: AnnotationCollector, place: tuple[str, str, int], feature: Mapping[str, Any], described: Described,
    choice: _Choice,
) -> None:  # fmt: skip
    file, entry, row = place
    category = choice.unclassified if described.category is None else described.category
    nucleus = choice.part == "nucleus" and described.object_type == "cell"
    geometry = feature.get("nucleusGeometry" if nucleus else "geometry")
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    extra = {"score": described.score, "crowd": described.crowd, "attributes": described.attributes(nucleus=nucleus)}
    try:
        if isinstance(geometry, Mapping) and kind in AREAS:
            _add_area(collector, place, category, described.in_order(area_rings(geometry)), described.is_box, extra)
        elif isinstance(geometry, Mapping) and kind in POINTS:
            for number, point in enumerate(point_positions(geometry), start=1):
                part = f", point {number}" if kind == "MultiPoint" else ""
                collector.add_point(file, f"{entry}{part}", row, category, point, **extra)
        elif kind is None:
            collector.drop(file, entry, f"the object has no {'nucleus' if nucleus else 'geometry'}.")
        else:
            collector.drop(file, entry, f"a geometry of type {str(kind)[:40]!r} has no area and is no point.")
    except (ValueError, OverflowError) as error:
        collector.drop(file, entry, f"the coordinates can't be read: {error}")


def _add_area(
    collector: AnnotationCollector, place: tuple[str, str, int], category: str, rings: list[FloatArray], is_box: bool,
    extra: dict[str, Any],
) -> None:  # fmt: skip
    file, entry, row = place
    if is_box and len(rings) == 1 and _is_rectangle(rings[0]):
        low, high = rings[0].min(axis=0).tolist(), rings[0].max(axis=0).tolist()
        collector.add_box(file, entry, row, category, (*low, *high), **extra)
    else:
        collector.add_polygon(file, entry, row, category, rings, **extra)


def _is_rectangle(ring: FloatArray) -> bool:
    """Say whether each of four edges goes along an axis, which a box has lost once it was edited in QuPath."""
    steps = np.roll(ring, -1, axis=0) - ring
    return len(ring) == 4 and bool(((steps == 0).sum(axis=1) == 1).all())


def write(annotations: AnnotationSet, folder: Path, *, object_type: str = "annotation") -> tuple[Finding, ...]:
    """Write ``<image>.geojson`` for each image, a FeatureCollection that QuPath opens.

    A box is written as a rectangle with a mark by which it is known again; a score as the measurement ``Detection
    probability``; objects of the class ``unclassified`` without a class.

    Args:
        annotations: Boxes, points and polygons.
        folder: Where the files go, in the folders of the images' names.
        object_type: What an object is in QuPath that doesn't say so itself: ``annotation`` or ``detection``.
    """
    paths = resolve_all(folder, label_paths(annotations.names, ".geojson"))
    for rows, path in zip(annotations.rows_by_image(), paths, strict=True):
        records = annotations.objects.take(rows).to_pylist()
        features = [_feature(record, annotations.categories[record["category"]], object_type) for record in records]
        with atomic_path(path) as temporary:
            content = {"type": "FeatureCollection", "features": features}
            temporary.write_text(json.dumps(content), encoding="utf-8")
    return ()


def _feature(record: Mapping[str, Any], category: str, object_type: str) -> dict[str, Any]:
    geometry, own = _geometry(record)
    classification, written_out = classify(category)
    own |= written_out | ({f"{OWN}crowd": "true"} if record["crowd"] else {})
    attributes = json.loads(record["attributes"] or "{}")
    feature, properties = describe(attributes, record["score"], own, object_type=object_type)
    geometry.update(feature.pop("geometry", {}))
    if category != UNCLASSIFIED:
        properties["classification"] = classification
    return {"type": "Feature", **feature, "geometry": geometry, "properties": properties}


def _geometry(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    x1, y1, x2, y2 = (record[name] for name in ("x_min", "y_min", "x_max", "y_max"))
    kind = GEOMETRIES[record["geometry"]]
    if kind == "point":
        return {"type": "Point", "coordinates": [x1, y1]}, {}
    if kind == "box":
        corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]]
        return {"type": "Polygon", "coordinates": [corners]}, {f"{OWN}geometry": "box"}
    geometry, order = to_geometry(to_rings(record["rings"]))
    natural = order == sorted(order)
    return geometry, {} if natural else {f"{OWN}ring_order": " ".join(map(str, order))}
