"""Attributes of objects in columns of a table: one per name, and one of JSON for names that can't be a column's."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cell_pipelines.annotations.formats.objects.attribute_text import from_text, to_text
from cell_pipelines.annotations.formats.sources.json_values import to_attributes

EXTRA = "attributes"
MAX_COLUMNS = 64
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")


@dataclass(frozen=True)
class AttributeColumns:
    """The columns that attributes are written in.

    Attributes:
        names: Attributes with a column of their own.
        extra: Whether a column of JSON holds others.
    """

    names: tuple[str, ...]
    extra: bool

    @classmethod
    def of(cls, attributes: Iterable[str | None], reserved: Collection[str]) -> "AttributeColumns":
        """Return the columns for objects with these attributes (JSON texts), none of them named as in `reserved`."""
        names: set[str] = set()
        for text in attributes:
            if text:
                names.update(json.loads(text))
        taken = {EXTRA, *reserved}
        plain = sorted(n for n in names if _PLAIN_NAME.fullmatch(n) and n.casefold() not in taken)
        # Names that differ from object to object would make a table of mostly nothing.
        own = tuple(plain) if len(plain) <= MAX_COLUMNS else ()
        return cls(own, len(own) < len(names))

    @property
    def header(self) -> list[str]:
        """Names of the columns."""
        return [*self.names, *([EXTRA] if self.extra else [])]

    def cells(self, text: str | None) -> list[str]:
        """Return the cells of one object's attributes."""
        values: dict[str, Any] = json.loads(text) if text else {}
        cells = [to_text(values.pop(name)) if name in values else "" for name in self.names]
        return [*cells, json.dumps(values, sort_keys=True) if values else ""] if self.extra else cells


@dataclass(frozen=True)
class AttributeReader:
    """Reads attributes out of the columns that nothing else is read from.

    Attributes:
        columns: Position and name of each column.
    """

    columns: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, header: Sequence[str], used: Collection[int | None]) -> "AttributeReader":
        """Return a reader of all named columns of `header` but those at the positions `used`."""
        return cls(tuple((i, name) for i, name in enumerate(header) if name and i not in used))

    def read(self, row: Sequence[str]) -> Mapping[str, Any] | None:
        """Return the attributes of a row; an empty cell is none.

        Raises:
            ValueError: They are nested too deeply.
        """
        values: dict[str, Any] = {}
        for position, name in self.columns:
            if row[position].strip():
                value = from_text(row[position])
                values.update(value if name == EXTRA and isinstance(value, dict) else {name: value})
        return to_attributes(values) or None
