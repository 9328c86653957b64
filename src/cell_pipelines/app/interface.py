"""The HTTP interface in words, from its OpenAPI description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ORDER = ("jobs", "counts", "corrections", "trainings", "operation")
_WORDS = {"integer": "whole number", "string": "text", "boolean": "true or false", "array": "list", "object": "object"}


@dataclass(frozen=True)
class Value:
    """A value that a request takes.

    Attributes:
        name: Its name.
        place: ``path``, ``query``, ``form`` or ``body``.
        kind: What it may be, in words.
        required: Whether it must be there.
        text: What it means.
    """

    name: str
    place: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True)
class Operation:
    """Something that can be asked.

    Attributes:
        method: Of HTTP.
        path: With the values of the path in braces.
        text: What it gives.
        values: What it takes.
    """

    method: str
    path: str
    text: str
    values: tuple[Value, ...]


def describe_interface(schema: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Return the operations of an OpenAPI description by their subject."""
    found: dict[str, list[Operation]] = {name: [] for name in _ORDER}
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            values = (*_parameters(one), *_body(one, schema))
            text = one.get("description", one["summary"]).split("\n\n")[0]
            found.setdefault(one["tags"][0], []).append(Operation(method.upper(), path, text, values))
    return {name: operations for name, operations in found.items() if operations}


def _parameters(operation: Mapping[str, Any]) -> Iterator[Value]:
    for one in operation.get("parameters", ()):
        text = one.get("description") or one["schema"].get("description", "")
        yield Value(one["name"], one["in"], _kind(one["schema"]), one.get("required", False), text)


def _body(operation: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Value]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        body = _resolve(content["schema"], schema)
        place = "form" if "form" in media else "body"
        required = body.get("required", ())
        if "properties" not in body:  # one object, which is the body
            yield Value("", place, _kind(body), True, body.get("description", ""))
        for name, one in body.get("properties", {}).items():
            yield Value(name, place, _kind(one), name in required, one.get("description", ""))


def _resolve(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Any = schema
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def _kind(part: Mapping[str, Any]) -> str:
    """Return what a value may be, in words."""
    if "anyOf" in part:
        return " or ".join(_kind(one) for one in part["anyOf"] if one.get("type") != "null")
    if part.get("type") == "array":
        return f"{_kind(part['items'])}, any number of times"
    if part.get("contentMediaType") or part.get("format") == "binary":
        return "file"
    words = _WORDS.get(part.get("type", ""), part.get("type", "any value"))
    least, most = (part.get(key) for key in ("minimum", "maximum"))
    if least is not None and most is not None:
        return f"{words}, {least:g} to {most:g}"
    return f"{words}, {least:g} or more" if least is not None else words
