"""Attributes in formats that hold text only: plain text stays as it is, every other value stands there as JSON."""

import json
import math
import re
from typing import Any


def to_text(value: Any) -> str:
    """Return a value as text that `from_text` reads back.

    >>> to_text("round"), to_text(3), to_text(True), to_text("3")
    ('round', '3', 'true', '"3"')
    """
    plain = isinstance(value, str) and value == value.strip() and value.isprintable()
    if plain and value and _parsed(value) is _NOTHING:
        return str(value)
    return json.dumps(value, sort_keys=True)


def from_text(text: str) -> Any:
    """Return the value that a text stands for: JSON where it is JSON, and else the text.

    >>> from_text("round"), from_text("2.4"), from_text("0003"), from_text("true")
    ('round', 2.4, '0003', True)
    """
    value = _parsed(text)
    return text if value is _NOTHING else value


def to_xml_text(text: str) -> str:
    """Return a text that XML can hold.

    Raises:
        ValueError: It holds characters that XML can't, such as control characters.
    """
    if _NOT_XML.search(text):
        raise ValueError(f"{text!r} holds characters that XML can't hold.")
    return text


_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOTHING = object()
_BEGINNINGS = frozenset('0123456789-"[{tfn')
# What an attribute may hold; a longer text is text.
_MAX_CHARACTERS = 100_000


def _parsed(text: str) -> Any:
    stripped = text.strip()
    if not stripped or stripped[0] not in _BEGINNINGS or len(stripped) > _MAX_CHARACTERS:
        return _NOTHING
    try:
        value = json.loads(stripped, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NOTHING
    return _NOTHING if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")
