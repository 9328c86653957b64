"""The text of ``--params`` as nested parameters."""

import re
from pathlib import Path
from typing import Any

import yaml

from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import nest

_OPENING, _CLOSING = "[{", "]}"
_KEY = re.compile(r"\s*[A-Za-z_][\w.-]*\s*=")


def parse_parameters(text: str) -> dict[str, Any]:
    """Return the parameters of a text such as ``yolo.epochs=3,images=/my/cells``.

    A comma separates two parameters only where a name and ``=`` follow it, so that a path or a list may hold commas.
    Quotes and brackets keep together what they enclose. A value that holds a slash is a path and taken as it stands,
    with ``~`` for the home folder; any other value is read as YAML: numbers, true and false, null, lists.

    Args:
        text: Parameters with dotted names, separated by commas.

    Returns:
        Nested parameters by name.

    Raises:
        MistakeError: A part has no ``=``, a name comes twice, or a value is not valid YAML.
    """
    dotted: dict[str, Any] = {}
    for part in _split(text):
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals or not key:
            raise MistakeError(f"--params: expected `name=value`, got `{part.strip()}`.")
        if key in dotted:
            raise MistakeError(f"--params: `{key}` is given twice.")
        dotted[key] = _parse_value(key, value.strip())
    try:
        return nest(dotted)
    except ValueError as error:
        raise MistakeError(f"--params: {error}") from error


def _split(text: str) -> list[str]:
    """Return the parts between commas that a name and ``=`` follow, outside of quotes and brackets."""
    parts, start, depth, quote = [], 0, 0, ""
    for index, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and text[index - 1 : index] in ("=", ",", "[", " ", ":"):
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth = max(0, depth - 1)
        elif letter == "," and depth == 0 and (_KEY.match(text, index + 1) or not text[index + 1 :].strip()):
            parts.append(text[start:index])
            start = index + 1
    return [part for part in [*parts, text[start:]] if part.strip()]


def _parse_value(key: str, value: str) -> Any:
    is_path = ("/" in value or "\\" in value or value == "~") and value[:1] not in "\"'[{"
    if is_path:
        return _at_home(value) if value.startswith("~") else value
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise MistakeError(f"--params: the value of `{key}` can't be read: {value!r}; put it in quotes.") from error
    return _at_home(parsed) if isinstance(parsed, str) and parsed.startswith("~/") else parsed


def _at_home(path: str) -> str:
    try:
        return str(Path(path).expanduser())
    except RuntimeError as error:
        raise MistakeError(f"{path}: no user of this machine is called so; write the whole path.") from error
