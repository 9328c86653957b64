"""Ways to damage a file or a folder on purpose, chosen by a seeded generator: for the fuzz runs of the readers.

Only the standard library, so that tests and benchmarks can both load it by its path.
"""

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

Mutation = Callable[[Random, bytes, str], bytes]

_NUMBERS = ("NaN", "-1", "1e308", "-1e308", "1e5000", "9" * 5000, "Infinity", "-Infinity", "0", "-0.0", "99999999999999999999",
            "2147483648", "1e-320", "true", "null", '""', "0x10", "1_0", "१२", "²", "1,5", "65536", "1e9", "1e18", "[]", "{}", "", "nan", "inf")  # fmt: skip
_NAMES = ("../../outside/{0}", "/etc/passwd", "C:\\windows\\a.png", "a\0b.png", "CON", "..", ".", "", "//", "/dev/zero", "x" * 5000,
          "a/../../../etc/passwd", "\\\\host\\share\\a.png", "{outside}/secret.txt", "nul.png", "a.png/b", "\ud800.png", "~/a", "%2e%2e/a")  # fmt: skip
_TOKENS = (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b";", b"\t", b"\r", b"\n\n", b"<", b"&", b"]]>", b"{", b"}", b"[", b"]", b"\\ud800", b"\\u0000",
           b"%s", b"&a;", b"*a", b"!!python/object:os.system", b"\xc3\x28", b"- ", b": ", b" " * 3000, b"[" * 3000, b"(" * 3000, b"A" * 300_000)  # fmt: skip
_VALUES = (None, True, False, 0, -1, 10**400, 1e308, float("nan"), float("inf"), "", "x", "\0", "\ud800", "../a.png", [], {}, [[]], [{}], {"": {}},
           [None], [[None, None]], "9" * 5000, [1e308, -1e308, 1e308, 1e308], [0.5] * 7, [[1, 2], [3]], {"a": [1]}, 1 << 63, -(1 << 63), [["1", "2"]] * 3, [True] * 4)  # fmt: skip
_INTEGERS = (
    0,
    1,
    -1,
    2,
    0x7F,
    0x7FFF,
    -0x8000,
    0xFFFF,
    0x7FFFFFFF,
    -0x80000000,
    0x10000,
    100_000,
    1 << 40,
    (1 << 63) - 1,
)
_SIZE_CLAIM = 100_000
_BLANK = zlib.compress(bytes(64 << 20), 6)


def _span(rng: Random, content: bytes, longest: int = 64) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.randint(1, longest))


def _flip(rng: Random, content: bytes, outside: str) -> bytes:
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


def _integer(rng: Random, content: bytes, outside: str) -> bytes:
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


def _number(rng: Random, content: bytes, outside: str) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 4))):
        content = _replace_match(rng, content, rb"(?<![\w.])-?\d[\d.]{,30}(?:e[-+]?\d+)?", rng.choice(_NUMBERS))
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
            (b"", b'"', rng.choice(_NUMBERS).encode(), b'{"a":' * 2000, b"1 2 3", b"-1 5")
        )
        lines[at] = b"".join(cells)
    elif chosen == 4:
        rng.shuffle(lines)
    else:
        return content.replace(b"\n", rng.choice((b"\r", b"\r\n", b" "))).replace(b",", rng.choice((b",", b";", b"\t")))
    return b"".join(lines)


def _encoding(rng: Random, content: bytes, outside: str) -> bytes:
    return content.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32", "cp1252", "utf-7")), "replace")


def _json(rng: Random, content: bytes, outside: str) -> bytes:
    try:
        root = [json.loads(content)]
    except (ValueError, RecursionError):
        return _number(rng, content, outside)
    deep = ""
    for _ in range(rng.choice((1, 1, 2, 5))):
        holder, key = _any_place(rng, root)
        chosen = rng.randrange(7)
        if chosen == 0 and holder is not root:
            del holder[key]
        elif chosen == 1 and isinstance(holder, dict):
            holder[rng.choice(("", "id", "name", "points", "type", "x" * 2000, "\0"))] = holder.pop(key)
        elif chosen == 2:
            holder[key], deep = "@deep@", rng.choice(("[", '{"a":')) * rng.choice((40, 990, 5000, 100_000))
        elif chosen == 3:
            holder[key] = rng.choice(([holder[key]], {"a": holder[key]}, [holder[key]] * 9, str(holder[key])[:10_000]))
        elif chosen == 4:
            holder[key] = json.loads(json.dumps(rng.choice(_any_place(rng, root)[0:1])))
        else:
            holder[key] = deepcopy(rng.choice(_VALUES))
    close = deep and {"[": "]", "{": "1}"}[deep[0]]
    end = close.replace("1", "") * deep.count(deep[0]) if deep else ""
    return json.dumps(root[0]).replace('"@deep@"', deep + ("1" if deep.startswith("{") else "") + end).encode()


def _any_place(rng: Random, root: list[Any]) -> tuple[Any, Any]:
    holder, key = root, 0
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.85:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    return holder, key


def _xml(rng: Random, content: bytes, outside: str) -> bytes:
    if rng.random() < 0.35:
        laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
        kinds = ('<!ENTITY a0 "haha">' + laughs, f'<!ENTITY a11 SYSTEM "file://{outside}/secret.txt">', f'<!ENTITY % a SYSTEM "file://{outside}/secret.txt"> %a;',
                 f'<!ENTITY a11 "{"x" * 100_000}">', '<!ATTLIST annotation x CDATA "1">')  # fmt: skip
        body = re.sub(rb"^\s*<\?xml[^>]*>", b"", content)
        head = f"<!DOCTYPE annotation [{rng.choice(kinds)}]>".encode()
        return head + re.sub(rb">([\w .]{1,99})<", b">&a11;<", body, count=1)
    try:
        root = ElementTree.fromstring(content)
        for _ in range(rng.choice((1, 1, 3))):
            _damage_element(rng, rng.choice(list(root.iter())), outside)
        written = ElementTree.tostring(root)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
        return _number(rng, content, outside)
    deep = rng.choice((0, 0, 0, 2000, 100_000))
    return written.replace(b"</", b"<a>" * deep + b"</a>" * deep + b"</", 1)


def _damage_element(rng: Random, element: Any, outside: str) -> None:
    hostile = rng.choice((*_NUMBERS, "a b", "../a.png", "1;2;3", "1,2;3", outside)).replace("\0", "")
    children = list(element)
    chosen = rng.randrange(6)
    if chosen == 0 and children:
        element.remove(rng.choice(children))
    elif chosen == 1 and children:
        element.extend([rng.choice(children)] * rng.choice((1, 50)))
    elif chosen == 2:
        element.tag = rng.choice(("object", "a", "{http://x}y", "image", "polygon", "points", "bndbox"))
    elif chosen == 3 and element.attrib:
        element.attrib[rng.choice(list(element.attrib))] = hostile
    elif chosen == 4 and element.attrib:
        del element.attrib[rng.choice(list(element.attrib))]
    else:
        element.text = hostile


def _yaml(rng: Random, content: bytes, outside: str) -> bytes:
    bomb = b"a0: &a0 [x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 12)
    )
    lines = (bomb, b"names: " + b"[" * 5000, b"path: ../../outside\n", f"train: {outside}\n".encode(), b"names: {0: a, 0: b}\n", b"nc: 99999999999\n", b"names: 3\n",
             b"? [a]\n: 1\n", b"kpt_shape: [1e308, x]\n", b"names: {-1: a, 1000000000000: b}\n", b"<<: {a: 1}\n", b"names: {x: [a]}\n")  # fmt: skip
    return rng.choice((content + rng.choice(lines), rng.choice(lines) + content, rng.choice(lines)))


def _zip(rng: Random, content: bytes, outside: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error, EOFError):
        return _flip(rng, content, outside)
    name, data = rng.choice(members or [("a.roi", b"")])
    ending = Path(name).suffix
    chosen = rng.randrange(7)
    if chosen == 0:
        members.append((rng.choice(("../x", "/tmp/x", "a/../../x", "C:/x", "..\\x", "a\nb", "é" * 200)) + ending, data))
    elif chosen == 1:
        members.append(("bomb" + ending, data + bytes(48 << 20)))
    elif chosen == 2:
        members += [(f"{i}{ending}", data[:64]) for i in range(2000)]
    elif chosen == 3:
        members.append(("inner.zip", content))
    elif chosen == 4:
        members.append((name, data))
    else:
        members = [(n, mutate_bytes(rng, n, d, outside) if n == name else d) for n, d in members]
    return _pack(rng, members, f"{outside}/secret.txt" if rng.random() < 0.1 else "", ending)


def _pack(rng: Random, members: list[tuple[str, bytes]], link: str, ending: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED))
    ) as archive:
        written: set[str] = set()
        for name, data in members:
            info = zipfile.ZipInfo(name if name not in written else f"again {name}")
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
            written.add(name)
        if link:
            info = zipfile.ZipInfo("link" + ending)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, link)
    packed = buffer.getvalue()
    # Encryption flags, methods, sizes that lie: all stand in the few bytes after a header's mark.
    return packed if rng.random() < 0.7 else _header_bytes(rng, packed)


def _header_bytes(rng: Random, packed: bytes) -> bytes:
    places = [m.start() for m in re.finditer(rb"PK(?:\x01\x02|\x03\x04|\x05\x06)", packed)]
    start = rng.choice(places) + rng.randint(4, 45)
    return packed[:start] + rng.randbytes(2) + packed[start + 2 :]


def _claim(rng: Random, content: bytes, outside: str) -> bytes:
    """Let a header claim 100,000 x 100,000 pixels, or put a small file with a large blank inside."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) > 33:
        kind = rng.choice(("size", "size", "text", "blank"))
        if kind == "text":
            return content[:33] + _chunk(b"zTXt", b"a\0\0" + _BLANK) + content[33:]
        side = _SIZE_CLAIM if kind == "size" else 60_000
        sized = content[:8] + _chunk(b"IHDR", struct.pack(">II", side, side) + content[24:29])
        return sized + (content[33:] if kind == "size" else _chunk(b"IDAT", _BLANK))
    if content[:2] == b"BM":
        return content[:18] + struct.pack("<ii", _SIZE_CLAIM, rng.choice((1, -1)) * _SIZE_CLAIM) + content[26:]
    if content[:2] in (b"II", b"MM"):
        return _claim_tiff(rng, content)
    if content[:2] == b"\xff\xd8":
        return re.sub(rb"(?<=\xff[\xc0\xc2]..\x08)....", lambda _: b"\xff" * 4, content, count=1, flags=re.DOTALL)
    return _integer(rng, content, outside)


def _claim_tiff(rng: Random, content: bytes) -> bytes:
    order = "<" if content[:2] == b"II" else ">"
    claimed = struct.pack(order + "HI", 4, 1) + struct.pack(
        order + "I", rng.choice((_SIZE_CLAIM, _SIZE_CLAIM, 1 << 31, 0, 40_000))
    )
    for tag in (
        256,
        257,
        *rng.sample((258, 259, 262, 273, 277, 278, 279, 284, 317, 322, 323, 339, 258), rng.choice((0, 0, 1, 2))),
    ):
        mark = re.escape(struct.pack(order + "H", tag)) + rb"[\x00-\x12]{2}.{8}"
        content = re.sub(
            mark, lambda _, tag=tag: struct.pack(order + "H", tag) + claimed, content, count=1, flags=re.DOTALL
        )
    return content


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_BYTES = (_flip, _truncate, _insert, _delete, _duplicate, _swap)
_TEXT = (_number, _number, _name, _lines, _encoding)


def _choices(name: str) -> tuple[Mutation, ...]:
    suffix = Path(name).suffix.lower()
    if suffix in (".json", ".geojson", ".ndjson"):
        return (*_BYTES, *_TEXT, *[_json] * 12)
    if suffix == ".xml":
        return (*_BYTES, *_TEXT, *[_xml] * 10)
    if suffix in (".yaml", ".yml"):
        return (*_BYTES, *_TEXT, *[_yaml] * 6)
    if suffix in (".csv", ".txt", ".names", ".tsv"):
        return (*_BYTES, *_TEXT, *_TEXT)
    return (*_BYTES, *[_zip] * 8) if suffix == ".zip" else (*_BYTES, *[_integer] * 4, _claim, _claim)


def mutate_bytes(rng: Random, name: str, content: bytes, outside: str) -> bytes:
    """Return `content` damaged in one way that suits a file of this name; `outside` is a folder no reader may open."""
    try:
        return rng.choice(_choices(name))(rng, content, outside)
    except RecursionError:
        # An earlier damage nests too deeply for the next.
        return content
