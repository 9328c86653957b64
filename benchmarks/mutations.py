"""Ways to damage a file on purpose, chosen by a seeded generator: for the fuzz runs of the readers and their tests.

Only the standard library and the modules beside.
"""

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path
from random import Random

from fuzz_bytes import BYTES, TEXT, Mutation, flip, integer
from fuzz_documents import damage_json, damage_xml, damage_yaml

_SIZE_CLAIM = 100_000
_BLANK = zlib.compress(bytes(64 << 20), 6)


def _zip(rng: Random, content: bytes, outside: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error, EOFError):
        return flip(rng, content, outside)
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
    return integer(rng, content, outside)


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


def _choices(name: str) -> tuple[Mutation, ...]:
    suffix = Path(name).suffix.lower()
    if suffix in (".json", ".geojson", ".ndjson"):
        return (*BYTES, *TEXT, *[damage_json] * 12)
    if suffix == ".xml":
        return (*BYTES, *TEXT, *[damage_xml] * 10)
    if suffix in (".yaml", ".yml"):
        return (*BYTES, *TEXT, *[damage_yaml] * 6)
    if suffix in (".csv", ".txt", ".names", ".tsv"):
        return (*BYTES, *TEXT, *TEXT)
    return (*BYTES, *[_zip] * 8) if suffix == ".zip" else (*BYTES, *[integer] * 4, _claim, _claim)


def mutate_bytes(rng: Random, name: str, content: bytes, outside: str) -> bytes:
    """Return `content` damaged in one way that suits a file of this name; `outside` is a folder no reader may open."""
    try:
        return rng.choice(_choices(name))(rng, content, outside)
    except RecursionError:
        # An earlier damage nests too deeply for the next.
        return content
