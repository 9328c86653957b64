"""Read and write the properties of a QuPath object besides its outline: type, class, measurements, metadata."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cell_pipelines.annotations.formats.parts.geojson import AREAS, area_rings
from cell_pipelines.annotations.formats.writing.class_colours import class_colour
from cell_pipelines.typing import FloatArray

# QuPath leaves alone what it doesn't know in an object's metadata, and shows it.
OWN = "cell_pipelines:"
SCORE_NAME = "Detection probability"
# As QuPath's extensions for StarDist and others call it, in lower case.
_SCORE_NAMES = ("detection probability", "score", "probability", "confidence")
_LEGACY_TYPES = {
    "PathTileObject": "tile", "PathCellObject": "cell", "TMACoreObject": "tmaCore", "tma_core": "tmaCore",
    "PathDetectionObject": "detection", "PathRootObject": "root", "PathAnnotationObject": "annotation",
}  # fmt: skip
_TYPES = ("annotation", "detection", "cell", "tile")
# Attributes for which QuPath has a place of its own.
_PLACES = (
    "objectType", "id", "nucleusGeometry", "plane", "isEllipse", "name", "isLocked", "color",
    "measurements", "metadata",
)  # fmt: skip
_MAX_TEXT = 10_000


@dataclass(frozen=True)
class Described:
    """An object of QuPath without its outline.

    Attributes:
        object_type: ``annotation``, ``detection``, ``cell``, ``tile`` or another.
        category: Its class, or None.
        score: In [0, 1], where a measurement is one.
        crowd: Whether it was written as a crowd.
        is_box: Whether it was written as a box.
        ring_order: Place of each ring before QuPath's order of outer rings and holes.
        said: Everything else.
    """

    object_type: str
    category: str | None
    score: float | None
    crowd: bool
    is_box: bool
    ring_order: tuple[int, ...]
    said: Mapping[str, Any] = field(default_factory=dict)

    def attributes(self, *, nucleus: bool) -> dict[str, Any]:
        """Return everything else; with `nucleus` without the nucleus, which is the object then."""
        return {key: value for key, value in self.said.items() if not (nucleus and key == "nucleusGeometry")}

    def in_order(self, rings: list[FloatArray]) -> list[FloatArray]:
        """Return rings in the order in which they were before they were written."""
        if sorted(self.ring_order) != list(range(len(rings))):
            return rings
        return [ring for _, ring in sorted(zip(self.ring_order, rings, strict=True), key=lambda pair: pair[0])]


def read_properties(feature: Mapping[str, Any]) -> Described:
    """Return what a feature says besides its outline; what isn't of its kind is passed over."""
    properties = _mapping(feature.get("properties"))
    metadata = {k: v for k, v in _mapping(properties.get("metadata")).items() if isinstance(v, str)}
    measurements = _measurements(properties.get("measurements"))
    object_type = _object_type(feature, properties)
    score = _take_score(measurements)
    said = {
        **_own_attributes(metadata.get(f"{OWN}attributes")),
        **_said(feature, properties, object_type),
        **({"measurements": measurements} if measurements else {}),
    }
    foreign = {key: value for key, value in metadata.items() if not key.startswith(OWN)}
    if foreign:
        said["metadata"] = foreign
    return Described(
        object_type, _category(metadata.get(f"{OWN}class"), properties.get("classification")), score,
        metadata.get(f"{OWN}crowd") == "true", metadata.get(f"{OWN}geometry") == "box",
        _numbers(metadata.get(f"{OWN}ring_order", "")), said,
    )  # fmt: skip


def describe(
    attributes: Mapping[str, Any], score: float | None, own: Mapping[str, str], *, object_type: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return members and properties of a feature: each attribute where QuPath has a place for it.

    What QuPath has no place for goes into the metadata with `own`, as JSON.
    """
    kept = {key: attributes[key] for key in attributes if key in _PLACES and _is_kept(key, attributes)}
    feature: dict[str, Any] = {key: kept[key] for key in ("id", "nucleusGeometry") if key in kept}
    geometry = {key: kept[key] for key in ("plane", "isEllipse") if key in kept}
    properties: dict[str, Any] = {"objectType": kept.get("objectType", object_type)}
    properties |= {key: kept[key] for key in ("name", "isLocked", "color") if key in kept}
    measurements = dict(kept.get("measurements", {}))
    if score is not None:
        measurements[SCORE_NAME] = score
    metadata = {**kept.get("metadata", {}), **own}
    rest = {key: value for key, value in attributes.items() if key not in kept}
    if rest:
        metadata[f"{OWN}attributes"] = json.dumps(rest, sort_keys=True)
    properties |= {"measurements": measurements} if measurements else {}
    properties |= {"metadata": metadata} if metadata else {}
    return {**feature, **({"geometry": geometry} if geometry else {})}, properties


@lru_cache(maxsize=1000)
def classify(category: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return QuPath's classification, and the metadata that holds a name which QuPath can't.

    In QuPath a name with a colon is one of classes within classes.
    """
    names = [part.strip() for part in re.split(r"[:\n]", category) if part.strip()] or ["class"]
    named = {"name": names[0]} if len(names) == 1 else {"names": names}
    return {**named, "color": class_colour(category)}, {} if ": ".join(names) == category else {f"{OWN}class": category}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _object_type(feature: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    stated = next((properties[k] for k in ("objectType", "object_type") if isinstance(properties.get(k), str)), None)
    legacy = feature.get("id") if feature.get("id") in tuple(_LEGACY_TYPES) else None
    name = stated or legacy or "annotation"
    return _LEGACY_TYPES.get(name, name)


def _category(own: str | None, classification: Any) -> str | None:
    """Return the class; QuPath gives a text, a name, or the names of classes within classes."""
    said = _mapping(classification)
    names = said.get("names")
    if own is None and isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        own = ": ".join(names)
    elif own is None:
        own = next((name for name in (classification, said.get("name")) if isinstance(name, str) and name), None)
    # JSON may hold halves of characters, which no file can.
    return None if own is None else own.encode(errors="replace").decode()


def _measurements(listed: Any) -> dict[str, float]:
    """Return measurements given as pairs, or as a list of name and value as before QuPath 0.4; only numbers count."""
    pairs = listed.items() if isinstance(listed, Mapping) else []
    if isinstance(listed, list):
        pairs = [(m.get("name"), m.get("value")) for m in listed if isinstance(m, Mapping)]
    return {name: value for name, value in pairs if isinstance(name, str) and _is_number(value)}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -1e300 < value < 1e300


def _take_score(measurements: dict[str, float]) -> float | None:
    for wanted in _SCORE_NAMES:
        for name, value in measurements.items():
            if name.lower() == wanted and 0 <= value <= 1:
                return float(measurements.pop(name))
    return None


def _own_attributes(text: str | None) -> dict[str, Any]:
    try:
        content = json.loads(text or "{}")
        json.dumps(content)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _said(feature: Mapping[str, Any], properties: Mapping[str, Any], object_type: str) -> dict[str, Any]:
    geometry = _mapping(feature.get("geometry"))
    places = {
        "objectType": object_type, "id": feature.get("id"), "nucleusGeometry": feature.get("nucleusGeometry"),
        "plane": geometry.get("plane"), "isEllipse": geometry.get("isEllipse"),
        "name": properties.get("name"), "isLocked": properties.get("isLocked"), "color": properties.get("color"),
    }  # fmt: skip
    return {key: value for key, value in places.items() if _is_kept(key, places)}


def _is_kept(key: str, said: Mapping[str, Any]) -> bool:
    """Say whether an attribute is what QuPath has in its place, so that it comes back as it went."""
    value = said.get(key)
    if key == "objectType":
        return value in _TYPES[1:] if isinstance(value, str) else False
    if key in ("id", "name"):
        return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT and value not in _LEGACY_TYPES
    if key in ("isLocked", "isEllipse"):
        return value is True
    if key == "color":
        return (
            isinstance(value, list) and len(value) == 3 and all(type(part) is int and 0 <= part < 256 for part in value)
        )
    if key == "plane":
        return isinstance(value, Mapping) and 0 < len(value) < 9 and all(type(part) is int for part in value.values())
    if key == "nucleusGeometry":
        return said.get("objectType") == "cell" and _is_area(value)
    if not isinstance(value, Mapping) or not value:
        return False
    if key == "measurements":
        return all(map(_is_number, value.values())) and not {name.lower() for name in value} & set(_SCORE_NAMES)
    return all(isinstance(v, str) for v in value.values()) and not any(name.startswith(OWN) for name in value)


def _is_area(value: Any) -> bool:
    if not isinstance(value, Mapping) or value.get("type") not in AREAS or set(value) != {"type", "coordinates"}:
        return False
    try:
        return all(math.isfinite(number) for ring in area_rings(value) for number in ring.ravel())
    except (ValueError, OverflowError):
        return False


def _numbers(text: str) -> tuple[int, ...]:
    words = text.split() if len(text) < _MAX_TEXT else []
    return tuple(int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 7)
