"""Hostile uploads, by a seed: names, formats, sizes and archives that strangers may send to the web page's server."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

Upload = list[tuple[str, bytes]]
NAMES = (
    "../../evil.png", "/etc/evil.png", "C:\\Windows\\evil.png", "..\\..\\evil.png", "a/../../../evil.png", "~/evil.png",
    "<script>alert(1)</script>.png", "\"><img src=x onerror=alert(1)>.png", "a\x00.png", "a.png\x00.exe", "\x00", "", ".",
    "..", "...", "/", "\\", " .png", "con.png", "NUL", "lpt1.tif", "a" * 3000 + ".png", "a/" * 300 + "b.png",
    "\u202egnp.exe.png", "\ufeffa.png", "e\u0301.png", "\U0001f9eb.png", "a\nb.png", "a\r\nSet-Cookie: x=1.png", "%2e%2e%2fevil.png",
    "a;b.png", "$(touch evil).png", "`id`.png", "-rf.png", "a'b\"c.png", "a.png.zip", "job.json", "../job.json", ".lock",
    "cancel", "uploads", "a.PNG", "A.png", "a.png/b.png", "scores.parquet", "=cmd|' /C calc'!A0.png", "a.png ", "a.png.",
    "\ud83d.png".encode("utf-8", "replace").decode(), "\x7f\x1b[31m.png", "x" * 255 + ".tif", "ａ．ｐｎｇ", "a.tiff:stream",
)  # fmt: skip
ENDINGS = (".png", ".jpg", ".tif", ".tiff", ".bmp", ".czi", ".nd2", ".lif", ".lsm", ".gif", ".webp", ".svg", ".dcm", ".npy", ".zip",
           ".ome.tif", ".exe", "", ".html", ".jpeg")  # fmt: skip


@dataclass(frozen=True)
class Hostile:
    """One upload.

    Attributes:
        kind: What is hostile about it.
        files: Name and content of each file.
    """

    kind: str
    files: Upload


def encode(image: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind, **options)
    return content.getvalue()


def squares(generator: random.Random, side: int = 48) -> np.ndarray:
    image = np.full((side, side), 12, dtype=np.uint8)
    for _ in range(3):
        row, column = (generator.randrange(0, side - 12) for _ in range(2))
        image[row : row + 10, column : column + 10] = 220
    return image


def any_image(generator: random.Random) -> bytes:
    kind = generator.choice(["PNG", "JPEG", "TIFF", "BMP", "GIF"])
    return encode(squares(generator), kind)


def png_header(width: int, height: int, depth: int = 8, colour: int = 0, body: bytes = b"") -> bytes:
    """Return a PNG that claims a size, with pixels that need not be there."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body or zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )


def archive(entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as opened:
        for name, data in entries:
            entry = zipfile.ZipInfo(name or "x")
            entry.compress_type = method
            opened.writestr(entry, data)
    return content.getvalue()


def of_names(generator: random.Random) -> Upload:
    return [(generator.choice(NAMES), any_image(generator)) for _ in range(generator.randrange(1, 4))]


def of_endings(generator: random.Random) -> Upload:
    return [(f"a{generator.choice(ENDINGS)}", any_image(generator))]


def cut_short(generator: random.Random) -> Upload:
    whole = any_image(generator)
    return [(f"a{generator.choice(ENDINGS[:5])}", whole[: generator.randrange(0, len(whole))])]


def changed_bytes(generator: random.Random) -> Upload:
    content = bytearray(any_image(generator))
    for _ in range(generator.randrange(1, 30)):
        content[generator.randrange(len(content))] = generator.randrange(256)
    return [(f"a{generator.choice(ENDINGS[:5])}", bytes(content))]


def noise(generator: random.Random) -> Upload:
    return [(f"a{generator.choice(ENDINGS)}", generator.randbytes(generator.choice([0, 1, 7, 100, 5000])))]


def sizes(generator: random.Random) -> Upload:
    shape = generator.choice([(1, 1), (1, 4000), (4000, 1), (2, 2), (65535, 1), (1, 65535), (3, 5000)])
    return [("a.png", encode(np.full(shape, generator.randrange(256), dtype=np.uint8)))]


def claimed_sizes(generator: random.Random) -> Upload:
    size = generator.choice(
        [(65535, 65535), (2**31 - 1, 2**31 - 1), (0, 0), (2**20, 2**20), (100_000, 30_000), (1, 2**31 - 1)]
    )
    return [("a.png", png_header(*size, depth=generator.choice([1, 8, 16]), colour=generator.choice([0, 2, 6])))]


def blank_bombs(generator: random.Random) -> Upload:
    side = generator.choice([20_000, 30_000])
    rows = zlib.compress(bytes((side + 1) * 64), 9)
    return [("a.png", png_header(side, side, body=rows))]


def label_images(generator: random.Random) -> Upload:
    labels = np.arange(48 * 48, dtype=np.uint16 if generator.random() < 0.5 else np.int32).reshape(48, 48)
    return [("a.tif", encode(labels, "TIFF"))]


def odd_pixels(generator: random.Random) -> Upload:
    import tifffile

    kind = generator.choice(["nan", "inf", "complex", "int8", "float64", "bool", "many", "series"])
    arrays = {
        "nan": np.full((32, 32), np.nan, np.float32), "inf": np.full((32, 32), np.inf, np.float32),
        "complex": np.ones((32, 32), np.complex64), "int8": np.full((32, 32), -5, np.int8),
        "float64": np.full((32, 32), 1e300), "bool": np.ones((32, 32), np.uint8) > 0,
        "many": np.zeros((40, 32, 32), np.uint8), "series": np.zeros((2, 3, 4, 32, 32), np.uint16),
    }  # fmt: skip
    content = io.BytesIO()
    tifffile.imwrite(content, arrays[kind], photometric="minisblack")
    return [("a.tif", content.getvalue())]


def archives(generator: random.Random) -> Upload:
    image = any_image(generator)
    entries = [(generator.choice(NAMES), image) for _ in range(generator.randrange(1, 5))]
    return [("a.zip", archive([(name.replace("\0", "_"), data) for name, data in entries]))]


def bombs(generator: random.Random) -> Upload:
    size = generator.choice([5_000_000, 600_000_000])
    return [("a.zip", archive([("a.png", bytes(size))]))]


def nested(generator: random.Random) -> Upload:
    content = archive([("a.png", any_image(generator))])
    for depth in range(generator.randrange(1, 20)):
        content = archive([(f"{depth}.zip", content)])
    return [("a.zip", content)]


def links(generator: random.Random) -> Upload:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        entry = zipfile.ZipInfo(generator.choice(["a.png", "b/a.tif"]))
        entry.external_attr = generator.choice([0o120777, 0o010644, 0o020644]) << 16
        opened.writestr(entry, generator.choice(["/etc/passwd", "../../job.json", "/dev/zero"]))
    return [("a.zip", content.getvalue())]


def encrypted(generator: random.Random) -> Upload:
    content = bytearray(archive([("a.png", any_image(generator))]))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return [("a.zip", bytes(content))]


def damaged_archives(generator: random.Random) -> Upload:
    content = bytearray(
        archive([(f"{n}.png", any_image(generator)) for n in range(3)], generator.choice([0, 8, 12, 14]))
    )
    for _ in range(generator.randrange(1, 12)):
        content[generator.randrange(len(content))] = generator.randrange(256)
    return [("a.zip", bytes(content[: generator.randrange(1, len(content)) if generator.random() < 0.3 else None]))]


def wrong_lengths(generator: random.Random) -> Upload:
    """Return an archive whose directory says another size than its entry has."""
    content = bytearray(archive([("a.png", any_image(generator))]))
    place = content.index(b"PK\x01\x02") + generator.choice([20, 24])
    content[place : place + 4] = struct.pack("<I", generator.choice([0, 1, 100_000, 2**32 - 2]))
    return [("a.zip", bytes(content))]


def many_entries(generator: random.Random) -> Upload:
    return [("a.zip", archive([(f"{n}.txt", b"") for n in range(generator.choice([1000, 20_000]))]))]


def in_disguise(generator: random.Random) -> Upload:
    image, packed = any_image(generator), archive([("a.png", any_image(generator))])
    page = b"<html><script>alert(1)</script></html>"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    pickled = b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
    content = generator.choice([packed, page, svg, pickled, image + packed, b"%PDF-1.4", b"MZ", b"GIF89a" + page])
    return [(generator.choice(["a.png", "a.tif", "a.czi", "a.lif", "a.nd2", "a.jpg", "a.zip", "a.bmp"]), content)]


def many_of_one_name(generator: random.Random) -> Upload:
    return [
        (generator.choice(["a.png", "A.png", "a.PNG"]), any_image(generator)) for _ in range(generator.randrange(2, 12))
    ]


KINDS: tuple[Callable[[random.Random], Upload], ...] = (
    of_names, of_names, of_endings, cut_short, changed_bytes, noise, sizes, claimed_sizes, blank_bombs, label_images, odd_pixels,
    archives, archives, bombs, nested, links, encrypted, damaged_archives, wrong_lengths, many_entries, in_disguise, many_of_one_name,
)  # fmt: skip


def hostile_uploads(count: int, seed: int = 0) -> Iterator[Hostile]:
    """Yield uploads, of each kind in turn."""
    generator = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield Hostile(kind.__name__, kind(generator))
