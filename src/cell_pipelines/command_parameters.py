"""The text of ``--params`` as nested parameters, and the other way round."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cell_pipelines.failures import MistakeError
from cell_pipelines.nested_parameters import flatten, nest

_OPENING, _CLOSING = "[{", "]}"
_ESCAPED = {'"': "\\x22", "\\": "\\\\"}
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


def format_parameters(parameters: Mapping[str, Any]) -> str:
    """Return the text that `parse_parameters` reads as these parameters.

    >>> format_parameters({"yolo": {"epochs": 3}, "images": "/my cells", "models": ["a", "b"]})
    'yolo.epochs=3,images=/my cells,models=["a", "b"]'
    """
    return ",".join(f"{key}={_format_value(value)}" for key, value in flatten(parameters).items())


def _format_value(value: Any) -> str:
    if isinstance(value, str):
        return value if _comes_back(value) else _quoted(value)
    return _flow(value)


def _comes_back(text: str) -> bool:
    """Say whether a text needs no quotes, also where another parameter follows it."""
    try:
        return text != "" and parse_parameters(f"x={text},y=1") == {"x": text, "y": 1}
    except MistakeError:
        return False


def _flow(value: Any) -> str:
    """Return a value as YAML on one line; a Path and the like by its text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None or isinstance(value, bool | int | float):
        return yaml.safe_dump(value).split("\n")[0]
    return _quoted(str(value))


def _quoted(text: str) -> str:
    """Return a text in double quotes as YAML has it, with none inside, since those would end it for `_split`."""
    letters = (_ESCAPED.get(letter, letter) if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
    return f'"{"".join(letters)}"'


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
