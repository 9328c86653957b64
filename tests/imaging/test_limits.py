"""Limits that hold for every reader: pixel sizes, memory, and errors of any kind that a decoder raises."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tifffile

from cell_pipelines.imaging import opening
from cell_pipelines.imaging.description import MAX_PIXEL_UM, describe
from cell_pipelines.imaging.reading import (
    ImageFile,
    ImageFormatError,
    describe_image,
    hash_pixels,
    list_image_files,
    open_region_reader,
    read_image,
)
from cell_pipelines.unpacking import MOST_UNPACKED_BYTES, check_unpacked, most_unpacked


@pytest.mark.parametrize("size", [(264.6, 264.6), (0.5, 10.0), (MAX_PIXEL_UM, 0.1), (float("inf"), 1.0)])
def test_no_reader_takes_the_dots_of_a_screen_for_micrometres(size: tuple[float, float]) -> None:
    assert describe({"Y": 4, "X": 5}, "uint8", pixel_size_um=size).pixel_size_um is None
    assert describe({"Y": 4, "X": 5}, "uint8", pixel_size_um=(0.5, 9.99)).pixel_size_um == (0.5, 9.99)


def test_ome_of_96_dots_an_inch_is_uncalibrated(tmp_path: Path) -> None:
    sizes = {"PhysicalSizeX": 264.58, "PhysicalSizeY": 264.58}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((8, 9), np.uint8), metadata={"axes": "YX", **sizes})
    assert describe_image(tmp_path / "a.ome.tif")[0].pixel_size_um is None


ERRORS = [
    ZeroDivisionError("float division by zero"), TypeError("'NoneType' object is not subscriptable"), KeyError("tag"),
    struct.error("unpack requires a buffer"), zlib.error("Error -3"), AssertionError(), MemoryError(), RecursionError(),
    NotImplementedError("codec"), type("OddError", (Exception,), {})("a decoder's own"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), StopIteration(), BufferError("shared"),
]  # fmt: skip


class _Failing:
    """A source that fails at one step."""

    def __init__(self, step: str, error: Exception) -> None:
        self._step, self._error = step, error
        self._fail("open")

    def _fail(self, step: str) -> None:
        if step == self._step:
            raise self._error

    @property
    def scenes(self):
        return (describe({"Y": 4, "X": 5}, "uint8"),)

    def read(self, plane, window):
        self._fail("read")
        return np.zeros((4, 5), np.uint8)

    def band_rows(self, scene):
        self._fail("bands")
        return 0

    def close(self):
        self._fail("close")


@pytest.mark.parametrize("step", ["open", "read", "bands", "close"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_a_decoder_raises_is_a_sentence_with_the_files_name(monkeypatch, tmp_path, step, error) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"anything")
    monkeypatch.setattr(opening, "_opener", lambda path: lambda path: _Failing(step, error))
    with pytest.raises(ImageFormatError, match=r"a\.tif: expected .+, got.+\.$"), open_region_reader(path) as image:
        hash_pixels(image)
    if step in ("open", "read"):
        with pytest.raises(ImageFormatError, match=r"a\.tif: expected"):
            read_image(path)


@pytest.mark.parametrize("tag", ["RowsPerStrip", "TileLength", "TileWidth", "BitsPerSample", "SamplesPerPixel"])
@pytest.mark.parametrize("value", [0, 65535])
def test_damaged_tags_of_a_tiff_are_told_by_every_way_of_reading(tmp_path: Path, tag: str, value: int) -> None:
    path = tmp_path / "a.tif"
    tile = {"tile": (16, 16)} if tag.startswith("Tile") else {"rowsperstrip": 7}
    tifffile.imwrite(path, np.arange(31 * 29, dtype=np.uint16).reshape(31, 29), compression="zlib", **tile)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags[tag].overwrite(value)

    def read_bands(path: Path) -> None:
        with open_region_reader(path) as image:
            hash_pixels(image)

    for read in (
        describe_image,
        read_image,
        read_bands,
        lambda path: ImageFile(path).info(),
        lambda path: list_image_files(path.parent),
    ):
        try:
            read(path)
        except ImageFormatError as error:
            assert str(error).startswith(f"{path}: ")


def _blank_png(side: int, kind: int, bits: int) -> bytes:
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[kind]

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side * samples * bits // 8)
    data = b"".join(packer.compress(row) for _ in range(64)) + packer.flush()
    # The whole picture would take as many times the bytes of these rows.
    padding = b"\0" * (len(data) * side // 64)
    header = struct.pack(">IIBBBBB", side, side, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data + padding) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "bits"), [(2, 8), (6, 8), (2, 16), (6, 16)])
def test_a_blank_png_that_would_take_gigabytes_is_refused_by_its_header(tmp_path: Path, kind: int, bits: int) -> None:
    (tmp_path / "blank.png").write_bytes(_blank_png(16_000, kind, bits))
    for read in (read_image, ImageFile(tmp_path / "blank.png")):
        with pytest.raises(
            ImageFormatError, match=r"blank\.png: expected a whole image, got: 16000 x 16000 .* MB of memory"
        ):
            read(*([tmp_path / "blank.png"] if read is read_image else []))


def test_blank_pictures_of_every_day_and_full_ones_of_any_size_are_read(tmp_path: Path) -> None:
    PIL.Image.new("L", (9_000, 9_000)).save(tmp_path / "blank.png")
    assert read_image(tmp_path / "blank.png").shape == (9_000, 9_000)
    check_unpacked(MOST_UNPACKED_BYTES // 40, MOST_UNPACKED_BYTES * 2)
    assert most_unpacked(10) == MOST_UNPACKED_BYTES
    with pytest.raises(ValueError, match=r"0\.0 MB that would take 537 MB"):
        check_unpacked(10, MOST_UNPACKED_BYTES + 1)


@pytest.mark.parametrize("layout", [{"rowsperstrip": 40_000}, {"tile": (40_000, 16_000)}])
def test_a_blank_tiff_of_one_huge_piece_is_refused_by_its_header(tmp_path: Path, layout: dict[str, int]) -> None:
    path = tmp_path / "blank.tif"
    small = {"tile": (16, 16)} if "tile" in layout else {"rowsperstrip": 16}
    tifffile.imwrite(path, np.zeros((16, 16), np.uint16), compression="zlib", metadata=None, **small)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        sizes = {"ImageLength": 40_000, "ImageWidth": 8_000}
        tags = tiff.pages.first.tags
        changed = {"TileLength": 40_000, "TileWidth": 8_000} if "tile" in layout else {"RowsPerStrip": 40_000}
        for name, value in {**sizes, **changed}.items():
            tags[name].overwrite(value)
    with pytest.raises(ImageFormatError, match=r"blank\.tif: "):
        read_image(path)
    with open_region_reader(path) as image, pytest.raises(ImageFormatError, match=r"blank\.tif: "):
        image.read(0, 0, 16, 16)


def _with_late_mark(path: Path, mark: int, piece: str) -> None:
    """Write a PNG whose mark of orientation stands behind its pixels."""
    picture = PIL.Image.fromarray(np.arange(6 * 4, dtype=np.uint8).reshape(6, 4))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    exif = PIL.Image.Exif()
    exif[0x0112] = mark
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>{mark}</tiff:Orientation></x:xmpmeta>'
    kind, data = {
        "exif": (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")),
        "xmp": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp.encode()),
    }[piece]
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    content = buffer.getvalue()
    end = content.index(b"IEND") - 4
    path.write_bytes(content[:end] + chunk + content[end:])


@pytest.mark.parametrize("mark", range(1, 9))
@pytest.mark.parametrize("piece", ["exif", "xmp"])
def test_a_mark_of_orientation_is_obeyed_wherever_it_stands_and_the_header_agrees(tmp_path, mark, piece) -> None:
    path = tmp_path / "a.png"
    _with_late_mark(path, mark, piece)
    (info,) = describe_image(path)
    image = read_image(path)
    assert image.shape == info.shape == ((4, 6) if mark > 4 else (6, 4))
    with PIL.Image.open(path) as picture:
        np.testing.assert_array_equal(image, np.asarray(PIL.ImageOps.exif_transpose(picture)))


def test_a_picture_of_many_bands_is_put_together_whole(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3_000, 2_900, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(read_image(tmp_path / "a.bmp"), pixels)
