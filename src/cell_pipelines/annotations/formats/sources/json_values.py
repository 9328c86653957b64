"""Values out of JSON that others wrote, brought to their type; else a `ValueError` that says what came."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from cell_pipelines.annotations.formats.sources.json_files import entries
from cell_pipelines.typing import FloatArray

# Deeper attributes can't be written as JSON again within Python's limit.
MAX_DEPTH = 32
# Far beyond any coordinate, and small enough that sums and products of such numbers stay finite.
MAX_NUMBER = 1e12


def to_number(value: Any, name: str) -> float:
    """Return a finite number.

    >>> to_number(3, "x")
    3.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"`{name}` must be a number, got {shown(value)}.")
    return _finite(value, name)


def parse_number(text: Any, name: str) -> float:
    """Return the finite number that a text holds."""
    try:
        return _finite(float(text), name)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be a number, got {shown(text)}.") from error


def _finite(value: float, name: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) <= MAX_NUMBER:
        raise ValueError(f"`{name}` must be a finite number, got {shown(value)}.")
    return number


def to_name(value: Any, name: str) -> str:
    """Return a text that is not empty and can be written again."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"`{name}` must be a text, got {shown(value)}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"`{name}` must be valid Unicode, got {shown(value)}.") from error
    return value


def to_vertices(value: Any, name: str = "points") -> FloatArray:
    """Return vertices (V, 2) in x, y from a list of pairs."""
    try:
        vertices = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"`{name}` must be pairs of numbers, got {shown(value)}.") from error
    if vertices.size == 0:
        return np.empty((0, 2))
    if vertices.ndim != 2 or vertices.shape[1] != 2 or not (np.abs(vertices) <= MAX_NUMBER).all():
        raise ValueError(f"`{name}` must be pairs of finite numbers, got {shown(value)}.")
    return vertices


def to_mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return an object of JSON."""
    if not isinstance(value, Mapping):
        raise ValueError(f"`{name}` must be an object with keys, got {shown(value)}.")
    return value


def to_list(value: Any, name: str) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise ValueError(f"`{name}` must be a list, got {shown(value)}.")
    return value


def to_attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be kept as attributes: all of it, unless it is nested too deeply."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for outer in level for child in entries(outer)]
        if not level:
            return dict(value)
    raise ValueError(f"attributes must be nested at most {MAX_DEPTH} levels deep.")


def shown(value: Any) -> str:
    """Return the beginning of a value as a finding shows it."""
    if isinstance(value, Mapping | list):
        return f"{'an object' if isinstance(value, Mapping) else 'a list'} of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number beyond all measure"
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 80 else f"{text[:80]}…"
