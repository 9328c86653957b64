"""Parameters nested as Kedro has them, and by dotted names as a person types them."""

from collections.abc import Mapping
from typing import Any


def flatten(parameters: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested parameters by their dotted names; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, value in parameters.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat


def nest(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by dotted names as Kedro nests them.

    Raises:
        ValueError: One name is a value and also holds others.
    """
    nested: dict[str, Any] = {}
    for key, value in dotted.items():
        *above, last = key.split(".")
        place = nested
        for part in above:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ValueError(f"parameter {key!r} can't be set beside {part!r}, which holds a value.")
        if isinstance(place.get(last), dict):
            raise ValueError(f"parameter {key!r} can't be set beside others below it.")
        place[last] = value
    return nested


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, nested ones too; the second goes before the first."""
    merged = dict(first)
    for key, value in second.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
