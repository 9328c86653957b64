"""Supervisely's tags: what is said of an object or image, each of a kind that ``meta.json`` defines."""

import json
from collections.abc import Mapping
from typing import Any

from cell_pipelines.annotations.formats.objects.attribute_text import from_text, to_text
from cell_pipelines.annotations.formats.sources import json_values as values
from cell_pipelines.annotations.formats.writing.written import WrittenObject
from cell_pipelines.annotations.schema import AnnotationSet

SCORE = "confidence"


def read_tags(tags: Any) -> tuple[dict[str, Any], float | None]:
    """Return what the tags say by name, and the score; a tag without value is true, one that comes twice a list.

    Raises:
        ValueError: They are no list.
    """
    said: dict[str, Any] = {}
    score: float | None = None
    for tag in values.to_list([] if tags is None else tags, "tags"):
        name = tag if isinstance(tag, str) else tag.get("name") if isinstance(tag, Mapping) else None
        value = tag.get("value") if isinstance(tag, Mapping) else None
        if not isinstance(name, str):
            continue
        if name == SCORE and isinstance(value, int | float) and not isinstance(value, bool):
            score = values.to_number(value, SCORE)
            continue
        meant = True if value is None else from_text(value) if isinstance(value, str) else value
        said[name] = [*(said[name] if isinstance(said[name], list) else [said[name]]), meant] if name in said else meant
    return said, score


class TagWriter:
    """Writes attributes as tags, each name of one kind in the whole project."""

    def __init__(self, annotations: AnnotationSet) -> None:
        found: dict[str, set[str]] = {}
        self._splits = sorted({split for split in annotations.images["split"].to_pylist() if split})
        self._scored = annotations.objects["score"].null_count < annotations.n_objects
        for text in annotations.objects["attributes"].unique().drop_null().to_pylist():
            for name, value in json.loads(text).items():
                found.setdefault(name, set()).add(_kind(name, value))
        self._kinds = {name: kinds.pop() if len(kinds) == 1 else "any_string" for name, kinds in found.items()}

    def of_image(self, split: str | None) -> list[dict[str, Any]]:
        """Return an image's tags."""
        return [{"name": split, "value": None}] if split else []

    def of_object(self, one: WrittenObject) -> list[dict[str, Any]]:
        """Return an object's tags."""
        tags = [{"name": name, "value": self._value(name, value)} for name, value in one.attributes.items()]
        return [*tags, {"name": SCORE, "value": one.score}] if one.score is not None else tags

    def _value(self, name: str, value: Any) -> Any:
        kind = self._kinds[name]
        return None if kind == "none" else value if kind == "any_number" else to_text(value)

    def definitions(self) -> list[dict[str, Any]]:
        """Return the tags of ``meta.json``."""
        kinds = dict(self._kinds)
        kinds |= dict.fromkeys(self._splits, "none")
        if self._scored:
            kinds[SCORE] = "any_number"
        return [
            {"name": name, "value_type": kind, "color": "#808080", "id": number}
            for number, (name, kind) in enumerate(kinds.items(), start=1)
        ]


def _kind(name: str, value: Any) -> str:
    if value is True:
        return "none"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # A number in the tag of the score would be read as the score.
    return "any_number" if is_number and name != SCORE else "any_string"
