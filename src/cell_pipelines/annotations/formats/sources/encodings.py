"""Text in the encodings that other tools write, brought to UTF-8: UTF-16 and UTF-32, or one that is declared or named.

An encoding of 8 bits can't be recognised by its bytes: in most of them any byte is a letter, and a class would get
another name without a word. It is taken from the file's own declaration (XML) or from the option ``encoding``.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# Which of the first four bytes are zero where a text begins with two letters of ASCII and has no mark.
_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le", (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le", (True, False, True, False): "utf-16-be",
}  # fmt: skip
_DECLARATION = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"'][^>]{0,200}\?>")
_named: ContextVar[str | None] = ContextVar("encoding", default=None)


@contextmanager
def assume_encoding(name: str | None) -> Iterator[None]:
    """Take `name` as the encoding of files that are neither UTF-8 nor UTF-16, within a block.

    Raises:
        ValueError: There is no such encoding.
    """
    if name is not None:
        try:
            "".encode(codecs.lookup(str(name)).name)
        except LookupError as error:
            raise ValueError(
                f"`encoding` must be the name of a text encoding, such as latin-1 or gbk, got {name!r}."
            ) from error
    token = _named.set(name)
    try:
        yield
    finally:
        _named.reset(token)


def _recognised(content: bytes) -> str:
    """Return the encoding that a byte order mark or the place of zeros tells; UTF-8 where neither does."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    return marked or _ZEROS.get(tuple(byte == 0 for byte in content[:4]), "utf-8")


def to_utf8(content: bytes) -> bytes:
    """Return text of another encoding as UTF-8 without a byte order mark.

    Raises:
        ValueError: The bytes are no text in UTF-8 or UTF-16, nor in the encoding that was named.
    """
    if content.isascii() and b"\0" not in content[:4]:
        return content
    encoding = _recognised(content)
    try:
        return content.decode(encoding).encode()
    except UnicodeDecodeError as error:
        named = _named.get()
        if named is None or encoding != "utf-8":
            raise ValueError(_sentence(content, encoding, error)) from error
        return _decode(content, named)


def _decode(content: bytes, encoding: str) -> bytes:
    try:
        return content.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the file is no text in {encoding}, as it is said to be: {error}.") from error


def _sentence(content: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    if encoding != "utf-8":
        return f"the file begins like text in {encoding.removesuffix('-sig').upper()}, but is none: {error}."
    line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
    return (
        f"the file is not UTF-8 text: byte 0x{byte:02x} in line {line}; name its encoding in the option `encoding` "
        "(such as latin-1, cp1252, shift_jis or gbk), or save it as UTF-8."
    )


def xml_to_utf8(content: bytes) -> bytes:
    """Return XML as UTF-8 without an encoding in its declaration; the one that it declared is obeyed.

    Raises:
        ValueError: The bytes are no text in the encoding that is declared, or in UTF-8 where none is.
    """
    encoding = _recognised(content)
    if encoding == "utf-8":
        declared = _DECLARATION.match(content)
        name = declared[1].decode().lower() if declared else encoding
        # Text that was made in memory is often declared as UTF-16 and then saved as UTF-8.
        is_plain = name.startswith(("utf-16", "utf16", "utf-8", "utf8", "us-ascii", "ascii", "ucs-2"))
        text = to_utf8(content) if is_plain else _decode_declared(content, name)
    else:
        text = to_utf8(content)
    declared = _DECLARATION.match(text)
    return text[declared.end() :] if declared else text


def _decode_declared(content: bytes, name: str) -> bytes:
    try:
        "".encode(codecs.lookup(name).name)
    except LookupError as error:
        raise ValueError(f"the file is no valid XML: it declares the encoding {name!r}, which is unknown.") from error
    return _decode(content, name)


def peek_utf8(path: Path, size: int, *, end: bool = False) -> bytes:
    """Return the beginning of a file as UTF-8, whatever it is, and with `end` also its end; nothing if unreadable."""
    try:
        with path.open("rb") as file:
            head = file.read(size)
            file.seek(max(file.tell(), path.stat().st_size - size))
            tail = file.read(size) if end else b""
    except OSError:
        return b""
    encoding = _recognised(head)
    if encoding == "utf-8":
        return head + tail
    # The rest of a file of two bytes per letter has no mark of its own.
    rest = encoding if encoding[-3:] in ("-le", "-be") else _without_mark(head, encoding)
    tail = tail[len(tail) % 4 :] if len(tail) == size else tail
    return (head.decode(encoding, "replace") + tail.decode(rest, "replace")).encode()


def _without_mark(head: bytes, encoding: str) -> str:
    if encoding == "utf-8-sig":
        return "utf-8"
    return f"{encoding}-{'le' if head[:1] == codecs.BOM_LE[:1] else 'be'}"
