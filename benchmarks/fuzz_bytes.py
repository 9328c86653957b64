"""Damages to bytes and lines of any file, chosen by a seeded generator; only the standard library."""

import json
import re
import struct
from collections.abc import Callable
from random import Random

Mutation = Callable[[Random, bytes, str], bytes]

NUMBERS = ("NaN", "-1", "1e308", "-1e308", "1e5000", "9" * 5000, "Infinity", "-Infinity", "0", "-0.0", "99999999999999999999",
            "2147483648", "1e-320", "true", "null", '""', "0x10", "1_0", "१२", "²", "1,5", "65536", "1e9", "1e18", "[]", "{}", "", "nan", "inf")  # fmt: skip
_NAMES = ("../../outside/{0}", "/etc/passwd", "C:\\windows\\a.png", "a\0b.png", "CON", "..", ".", "", "//", "/dev/zero", "x" * 5000,
          "a/../../../etc/passwd", "\\\\host\\share\\a.png", "{outside}/secret.txt", "nul.png", "a.png/b", "\ud800.png", "~/a", "%2e%2e/a")  # fmt: skip
_TOKENS = (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b";", b"\t", b"\r", b"\n\n", b"<", b"&", b"]]>", b"{", b"}", b"[", b"]", b"\\ud800", b"\\u0000",
           b"%s", b"&a;", b"*a", b"!!python/object:os.system", b"\xc3\x28", b"- ", b": ", b" " * 3000, b"[" * 3000, b"(" * 3000, b"A" * 300_000)  # fmt: skip
_INTEGERS = (0, 1, -1, 2, 0x7F, 0x7FFF, -0x8000, 0xFFFF, 0x7FFFFFFF, -0x80000000, 0x10000, 100_000, 1 << 40, (1 << 63) - 1)  # fmt: skip


def _span(rng: Random, content: bytes, longest: int = 64) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.randint(1, longest))


def flip(rng: Random, content: bytes, outside: str) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 40)) if damaged else 0):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _truncate(rng: Random, content: bytes, outside: str) -> bytes:
    return content[: rng.choice((0, 1, rng.randrange(len(content) + 1), max(0, len(content) - rng.randint(1, 20))))]


def _insert(rng: Random, content: bytes, outside: str) -> bytes:
    start, _ = _span(rng, content)
    return content[:start] + rng.choice((rng.randbytes(rng.randint(1, 20)), rng.choice(_TOKENS))) + content[start:]


def _delete(rng: Random, content: bytes, outside: str) -> bytes:
    start, stop = _span(rng, content)
    return content[:start] + content[stop:]


def _duplicate(rng: Random, content: bytes, outside: str) -> bytes:
    start, stop = _span(rng, content, 400)
    return content[:stop] + content[start:stop] * rng.choice((1, 1, 3, 100)) + content[stop:]


def _swap(rng: Random, content: bytes, outside: str) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def integer(rng: Random, content: bytes, outside: str) -> bytes:
    size, letter = rng.choice(((1, "B"), (2, "H"), (4, "I"), (4, "I"), (8, "Q")))
    start = rng.randrange(max(1, len(content) if rng.random() < 0.5 else min(len(content), 300)))
    value = rng.choice(_INTEGERS) & ((1 << 8 * size) - 1)
    return content[:start] + struct.pack(rng.choice("<>") + letter, value) + content[start + size :]


def _replace_match(rng: Random, content: bytes, pattern: bytes, new: str) -> bytes:
    found = list(re.finditer(pattern, content))
    if not found:
        return content
    match = rng.choice(found)
    return content[: match.start()] + new.encode("utf-8", "surrogatepass") + content[match.end() :]


def number(rng: Random, content: bytes, outside: str) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 4))):
        content = _replace_match(rng, content, rb"(?<![\w.])-?\d[\d.]{,30}(?:e[-+]?\d+)?", rng.choice(NUMBERS))
    return content


def _name(rng: Random, content: bytes, outside: str) -> bytes:
    new = rng.choice(_NAMES).replace("{outside}", outside).replace("{0}", rng.choice(("a.png", "secret.txt")))
    escaped = json.dumps(new)[1:-1] if content[:1] in b"{[" else new
    return _replace_match(rng, content, rb"[\w ./\xc3\xa9\xb6\x9f-]{1,60}\.(?:png|jpg|jpeg|tif)", escaped)


def _lines(rng: Random, content: bytes, outside: str) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at = rng.randrange(len(lines))
    chosen = rng.randrange(6)
    if chosen == 0:
        del lines[at]
    elif chosen == 1:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif chosen == 2:
        lines[at] = rng.choice((b"\n", b",,,,\n", b"0 0 0 0 0\n", b"x" * 200_000 + b"\n", b"," * 3000 + b"\n"))
    elif chosen == 3:
        cells = re.split(rb"([,; \t])", lines[at])
        cells[rng.randrange(len(cells))] = rng.choice(
            (b"", b'"', rng.choice(NUMBERS).encode(), b'{"a":' * 2000, b"1 2 3", b"-1 5")
        )
        lines[at] = b"".join(cells)
    elif chosen == 4:
        rng.shuffle(lines)
    else:
        return content.replace(b"\n", rng.choice((b"\r", b"\r\n", b" "))).replace(b",", rng.choice((b",", b";", b"\t")))
    return b"".join(lines)


def _encoding(rng: Random, content: bytes, outside: str) -> bytes:
    return content.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32", "cp1252", "utf-7")), "replace")


BYTES: tuple[Mutation, ...] = (flip, _truncate, _insert, _delete, _duplicate, _swap)
TEXT: tuple[Mutation, ...] = (number, number, _name, _lines, _encoding)
