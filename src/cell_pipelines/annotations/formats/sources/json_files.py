"""JSON that others wrote: whole files, and values that may be of another kind."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.files import atomic_path


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object as it is, anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def entries(value: Any) -> list[Any]:
    """Return a list, or the values of an object whose keys count; anything else has none."""
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def whole_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Return width and height where both are whole numbers."""
    if type(width) is int and type(height) is int:
        return width, height
    return None


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file that appears whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
