"""Read and write the properties of an ImageJ ROI besides its outline: class, score, names, positions, colours."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from roifile import ImagejRoi

_POSITIONS = ("position", "c_position", "z_position", "t_position")
_COLOURS = ("stroke_color", "fill_color")
_OWN_KEYS = ("class", "score", "crowd", "attributes")
_KEY = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_COLOUR = re.compile(r"#(?!00000000)[0-9a-f]{8}")
# Java's properties treat a backslash as an escape, and roifile counts characters beyond 16 bits once, not twice.
_UNSAFE = re.compile(r"[%\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\U00010000-\U0010ffff]|^\s|\s$")
_MAX_GROUP = 255
_MAX_NAME = 1000


@dataclass(frozen=True)
class Described:
    """Properties of a ROI besides its outline.

    Attributes:
        category: Its class, or None.
        score: In [0, 1], or None.
        crowd: Whether it was written as a crowd.
        attributes: Everything else.
    """

    category: str | None
    score: float | None
    crowd: bool
    attributes: dict[str, Any] = field(default_factory=dict)


def read_properties(roi: "ImagejRoi", group_names: Mapping[int, str]) -> Described:
    """Return what a ROI says besides its outline; its class is the property ``class`` or its group."""
    lines = [line.partition(":") for line in roi.props.split("\n")]
    properties = {key.strip(): value.strip(" \t\r") for key, colon, value in lines if colon and key.strip()}
    category = properties.pop("class", None)
    score = _score(properties)
    crowd = properties.get("crowd") == "true" and properties.pop("crowd") == "true"
    attributes = _own_attributes(properties)
    attributes |= {"name": roi.name} if roi.name else {}
    attributes |= {key: int(getattr(roi, key)) for key in _POSITIONS if getattr(roi, key) > 0}
    attributes |= {key: f"#{getattr(roi, key).hex()}" for key in _COLOURS if any(getattr(roi, key))}
    if properties:
        attributes["properties"] = {key: unquote(value) for key, value in properties.items()}
    if category is None and roi.group > 0:
        category = group_names.get(roi.group, f"group_{roi.group}")
    return Described(category and unquote(category), score, crowd, attributes)


def write_properties(roi: "ImagejRoi", described: Described, number: int) -> None:
    """Write what is said of an object into its ROI; `number` is that of its class, by which Fiji colours."""
    said = described.attributes
    kept = {key: said[key] for key in said if _is_kept(key, said[key])}
    rest = {key: value for key, value in said.items() if key not in kept}
    roi.name = kept.get("name", "")
    roi.group = number + 1 if number < _MAX_GROUP else 0
    for key in _POSITIONS:
        setattr(roi, key, kept.get(key, 0))
    for key in _COLOURS:
        setattr(roi, key, bytes.fromhex(kept.get(key, "#00000000")[1:]))
    properties = {key: _safe(value) for key, value in kept.get("properties", {}).items()}
    properties["class"] = _safe(described.category or "")
    properties |= {} if described.score is None else {"score": repr(float(described.score))}
    properties |= {"crowd": "true"} if described.crowd else {}
    properties |= {"attributes": _safe(json.dumps(rest, sort_keys=True))} if rest else {}
    roi.props = "".join(f"{key}: {properties[key]}\n" for key in sorted(properties))


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), text)


def _score(properties: dict[str, str]) -> float | None:
    try:
        score = float(properties.get("score", "nan"))
    except ValueError:
        return None
    if not 0 <= score <= 1:
        return None
    del properties["score"]
    return score


def _own_attributes(properties: dict[str, str]) -> dict[str, Any]:
    try:
        content = json.loads(unquote(properties.get("attributes", "")))
        json.dumps(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    del properties["attributes"]
    return content


def _is_kept(key: str, value: Any) -> bool:
    """Say whether an attribute is what a ROI has in its place, so that it comes back as it went."""
    if key == "name":
        return isinstance(value, str) and 0 < len(value) < _MAX_NAME and not _UNSAFE.search(value)
    if key in _POSITIONS:
        return type(value) is int and 0 < value < 1 << 31
    if key in _COLOURS:
        return isinstance(value, str) and _COLOUR.fullmatch(value) is not None
    if key != "properties" or not isinstance(value, dict) or not value:
        return False
    named = all(_KEY.fullmatch(name) and name not in _OWN_KEYS for name in value)
    return named and all(isinstance(text, str) for text in value.values())
