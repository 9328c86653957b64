"""Text, JSON, YAML and XML that others wrote, read within limits; what can't be read is a `ValueError`."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
import yaml

from cell_pipelines.annotations.formats.sources.encodings import to_utf8, xml_to_utf8

MAX_FILE_BYTES = 1 << 30
MAX_XML_BYTES = 64 << 20
MAX_YAML_BYTES = 1 << 18
# The time that a YAML parser takes grows with the square of the depth.
MAX_YAML_DEPTH = 32
MAX_JSON_DEPTH = 200
_Content = TypeVar("_Content")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def read_each(
    folder: Path, paths: Iterable[Path], read: Callable[[Path], _Content], refuse: Callable[[str, str], object]
) -> Iterator[tuple[str, _Content]]:
    """Yield the names of files in `folder` and what they hold; those that can't be read are refused one by one.

    Args:
        folder: Of the source.
        paths: Files below it.
        read: Reads one of them, or raises a ValueError.
        refuse: Takes the name of a file that can't be read, and why.
    """
    for path in paths:
        file = path.relative_to(folder).as_posix()
        try:
            content = read(path)
        except ValueError as error:
            refuse(file, str(error))
            continue
        yield file, content


def are_numbers(words: Sequence[str]) -> bool:
    """Say whether there are words, and each is a number."""
    try:
        return bool(words) and all(isinstance(float(word), float) for word in words)
    except ValueError:
        return False


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return a file's bytes.

    Raises:
        ValueError: The file is larger than `limit` bytes or can't be read.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise ValueError(f"the file has {size} bytes; at most {limit} are read.")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"the file can't be read: {error.strerror}.") from error


def read_text(path: Path, limit: int = MAX_FILE_BYTES) -> str:
    """Return a text file's content, without a byte order mark; `encodings` says in which encodings it may be.

    Raises:
        ValueError: The file is too large, can't be read, or is not text.
    """
    return to_utf8(read_bytes(path, limit)).decode()


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        ValueError: The file can't be read or is no JSON.
    """
    return parse_json(read_bytes(path))


def parse_json(content: bytes) -> Any:
    """Return what JSON in any Unicode encoding holds.

    Raises:
        ValueError: It is no JSON.
    """
    content = to_utf8(content)
    try:
        # Far faster than the standard library, which however knows NaN, Infinity and numbers of any length.
        value = orjson.loads(content)
    except ValueError:
        value = _read_any_json(content)
    check_depth(content)
    return value


def _read_any_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ValueError(f"the file is no valid JSON: {error}.") from error
    except RecursionError as error:
        raise ValueError("the file is no usable JSON: it is nested too deeply.") from error


def check_depth(content: bytes) -> None:
    """Refuse JSON that is nested too deeply to be shown or written again within Python's limit.

    Raises:
        ValueError: It is.
    """
    if _is_deep(content) and _is_deep(_JSON_TEXT.sub(b"", content)):
        raise ValueError(f"the file is no usable JSON: it is nested deeper than {MAX_JSON_DEPTH} levels.")


def _is_deep(content: bytes) -> bool:
    brackets = content.translate(None, _NO_BRACKETS)
    for _ in range(MAX_JSON_DEPTH):
        left = brackets.replace(b"[]", b"").replace(b"{}", b"")
        # Brackets in a text may have no partner; there are none deeper than all of them.
        if len(left) == len(brackets) or not left:
            return len(left) > MAX_JSON_DEPTH
        brackets = left
    return True


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds, every scalar as text; aliases and tags, which can do harm, are refused.

    Raises:
        ValueError: The file can't be read, is no YAML, or holds an alias or a tag.
    """
    text = read_text(path, MAX_YAML_BYTES)
    try:
        _check_yaml(text)
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"the file is no valid YAML: {' '.join(str(error).split())}.") from error


def _check_yaml(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_YAML_DEPTH:
            raise ValueError(f"the file is no usable YAML: it is nested deeper than {MAX_YAML_DEPTH} levels.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            place = "" if event.start_mark is None else f" in line {event.start_mark.line + 1}"
            raise ValueError(f"the file holds a YAML alias or tag{place}; both are refused.")


def read_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML file in the encoding that it declares.

    Raises:
        ValueError: The file can't be read, is no XML, or holds entities.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    content = xml_to_utf8(read_bytes(path, MAX_XML_BYTES))
    # Without a document type there are no entities, and then the standard parser is safe, and many times faster.
    parse = ElementTree.fromstring if _has_no_document_type(content) else fromstring
    try:
        root: ElementTree.Element = parse(content)
        return root
    except DefusedXmlException as error:
        raise ValueError(f"the file holds XML entities, which are refused: {error}.") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(f"the file is no valid XML: {error}.") from error


def _has_no_document_type(content: bytes) -> bool:
    return b"<!DOCTYPE" not in content and b"<!ENTITY" not in content
