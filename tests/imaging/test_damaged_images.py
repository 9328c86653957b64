"""Damaged and hostile image files: a sentence with the file's name, or the whole image, and nothing between."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
import tifffile

from cell_pipelines.imaging.reading import IMAGE_SUFFIXES, MAX_PIXELS, ImageFormatError, read_image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (31, 29), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (31, 29, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (31, 29), dtype=np.uint16)


def _picture(image: Any, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, format, **options)
    return buffer.getvalue()


def _tiff(image: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, **options)
    return buffer.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "colour.jpg": lambda: _picture(COLOUR, "JPEG"),
    "progressive.jpg": lambda: _picture(COLOUR, "JPEG", progressive=True),
    "grey.png": lambda: _picture(GREY, "PNG"),
    "deep.png": lambda: _picture(DEEP, "PNG"),
    "deep_colour.png": lambda: cv2.imencode(".png", np.dstack([DEEP] * 3))[1].tobytes(),
    "colour.bmp": lambda: _picture(COLOUR, "BMP"),
    "plain.tif": lambda: _tiff(DEEP),
    "zlib.tif": lambda: _tiff(DEEP, compression="zlib", rowsperstrip=7),
    "tiles.tif": lambda: _tiff(COLOUR, compression="zlib", tile=(16, 16)),
    "lzw.tif": lambda: _picture(GREY, "TIFF", compression="tiff_lzw"),
    "packbits.tif": lambda: _picture(GREY, "TIFF", compression="packbits"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_anywhere_is_refused_by_name_or_whole(name: str, tmp_path: Path) -> None:
    path, content = tmp_path / name, FILES[name]()
    path.write_bytes(content)
    whole = read_image(path)
    cuts = {
        *range(0, 40, 3),
        *np.linspace(0, len(content) - 1, 40).astype(int),
        *range(len(content) - 25, len(content)),
    }
    refused = 0
    for cut in sorted(cuts):
        path.write_bytes(content[:cut])
        try:
            np.testing.assert_array_equal(read_image(path), whole)
        except ImageFormatError as error:
            refused += 1
            assert str(error).startswith(f"{path}: expected a whole image, got")
    assert refused >= len(cuts) - 25


@pytest.mark.parametrize("name", FILES)
def test_flipped_bits_give_an_image_or_a_refusal_and_no_other_error(name: str, tmp_path: Path) -> None:
    path, content, rng = tmp_path / name, FILES[name](), np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(content)
        # Most of the damage goes to the first bytes, where the sizes stand.
        damaged[int(rng.integers(len(content)) * rng.random() ** 3)] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_image(path).ndim in (2, 3)
        except ImageFormatError as error:
            assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["grey.png", "deep.png", "deep_colour.png"])
def test_a_flipped_bit_in_the_pixels_of_a_png_is_noticed(name: str, tmp_path: Path) -> None:
    content = bytearray(FILES[name]())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageFormatError, match=name):
        read_image(tmp_path / name)


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
@pytest.mark.parametrize(
    "content", [b"", b"\0", b"Not an image, but a letter.\n" * 50, b"<svg/>", bytes(range(256)) * 20, b"II*\0", b"BM"]
)
def test_what_is_no_image_is_refused_by_name(suffix: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(ImageFormatError, match=rf"a{suffix}: expected a whole image, got"):
        read_image(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_a_missing_file_and_a_folder_are_refused_by_name(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(ImageFormatError, match=rf"a{suffix}: the file is not there\."):
        read_image(tmp_path / f"a{suffix}")
    (tmp_path / f"b{suffix}").mkdir()
    with pytest.raises(ImageFormatError, match=rf"b{suffix}: expected a whole image"):
        read_image(tmp_path / f"b{suffix}")


def _png_of_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [100_000, 25_000])
def test_a_png_that_claims_more_pixels_than_any_sensor_gives_is_refused(side: int, tmp_path: Path) -> None:
    assert side * side > MAX_PIXELS
    (tmp_path / "bomb.png").write_bytes(_png_of_size(side, side))
    with pytest.raises(ImageFormatError, match=r"bomb\.png: "):
        read_image(tmp_path / "bomb.png")


def test_a_tiff_that_claims_more_pixels_than_any_sensor_gives_is_refused(tmp_path: Path) -> None:
    content = bytearray(_tiff(np.zeros((1, 1), np.uint8), metadata=None))
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        for tag in ("ImageWidth", "ImageLength"):
            entry = tiff.pages[0].tags[tag]
            content[entry.valueoffset : entry.valueoffset + 2] = struct.pack("<H", 60_000)
    (tmp_path / "bomb.tif").write_bytes(content)
    with pytest.raises(ImageFormatError, match=r"bomb\.tif: claims 3600000000 pixels; at most 536870912 are read"):
        read_image(tmp_path / "bomb.tif")


def test_a_large_image_that_is_no_bomb_raises_no_warning(tmp_path: Path) -> None:
    """More pixels than Pillow takes without a warning: the warning would be an error here."""
    PIL.Image.new("1", (12_000, 8_000)).save(tmp_path / "slide.png")
    assert read_image(tmp_path / "slide.png").shape == (8_000, 12_000)


@pytest.mark.parametrize(("bits", "kind"), [(1, 0), (8, 0), (8, 2), (16, 6)])
def test_a_small_png_that_claims_many_pixels_is_refused_before_they_take_memory(
    bits: int, kind: int, tmp_path: Path
) -> None:
    content = bytearray(_png_of_size(20_000, 20_000))
    content[24:26] = bits, kind
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(
        ImageFormatError, match=r"a\.png: .*20000 x 20000.*(for which the file is too small|MB of memory)"
    ):
        read_image(tmp_path / "a.png")
