"""Label pictures: every depth is read as it stands, and what claims too much is refused before it is unpacked."""

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cell_pipelines.annotations.formats.label_pictures.rasters import read_raster, to_labels, write_raster


@settings(max_examples=30, deadline=None)
@given(
    raster=st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda kind: arrays.arrays(kind, st.sampled_from([(1, 1), (5, 3), (4, 6, 3)]))
    ),
    ending=st.sampled_from([".png", ".tif"]),
)
def test_what_is_written_is_read_again(
    raster: np.ndarray, ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("raster") / f"a{ending}"
    if raster.ndim == 3 and ending == ".tif":
        return
    write_raster(raster, path)
    again = read_raster(path, (raster.shape[1], raster.shape[0]))
    assert again.dtype == raster.dtype
    assert (again == raster).all()


def test_tiff_holds_32_bit(tmp_path: Path) -> None:
    labels = np.array([[0, 70_000], [1, 2**32 - 1]], np.uint32)
    write_raster(labels, tmp_path / "a.tif")
    assert (read_raster(tmp_path / "a.tif") == labels).all()


def test_one_bit_palettes_and_grey_with_opacity_are_numbers(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)
    PIL.Image.fromarray(labels.astype(bool)).save(tmp_path / "bit.png")
    palette = PIL.Image.fromarray(labels * 7)
    palette.putpalette([255, 0, 0] * 256)
    palette.save(tmp_path / "palette.png")
    PIL.Image.fromarray(np.stack([labels, labels * 255], axis=-1)).save(tmp_path / "opacity.png")
    PIL.Image.fromarray(np.repeat(labels[..., None], 3, axis=-1)).save(tmp_path / "colour.png")
    assert to_labels(read_raster(tmp_path / "bit.png")).tolist() == labels.tolist()
    assert to_labels(read_raster(tmp_path / "palette.png")).tolist() == (labels * 7).tolist()
    assert to_labels(read_raster(tmp_path / "opacity.png")).tolist() == labels.tolist()
    assert to_labels(read_raster(tmp_path / "colour.png")).tolist() == labels.tolist()


def test_channels_come_as_red_green_blue_whatever_the_depth(tmp_path: Path) -> None:
    picture = np.zeros((4, 5, 3), np.uint16)
    picture[..., 0], picture[..., 2] = 300, 1000
    for name in ("a.png", "b.png"):
        write_raster(picture if name == "a.png" else picture.astype(np.uint8), tmp_path / name)
    assert (read_raster(tmp_path / "a.png") == picture).all()
    assert (read_raster(tmp_path / "b.png") == picture.astype(np.uint8)).all()
    tifffile.imwrite(tmp_path / "c.tif", np.moveaxis(picture, -1, 0), photometric="rgb", planarconfig="separate")
    assert (read_raster(tmp_path / "c.tif") == picture).all()


@pytest.mark.parametrize(
    ("raster", "reason"),
    [
        (np.full((2, 2), 0.5), "whole numbers, got fractions"),
        (np.full((2, 2), np.nan), "whole numbers, got NaN"),
        (np.full((2, 2), 1e300), "whole numbers, got fractions"),
        (np.full((2, 2), -1), "at least 0, got -1"),
        (np.dstack([np.zeros((2, 2)), np.ones((2, 2)), np.ones((2, 2))]), "colours that differ"),
        (np.zeros((2, 2), complex), "whole numbers, got complex128"),
    ],
)
def test_what_is_no_label_is_refused(raster: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        to_labels(raster)


def test_floating_point_labels_that_are_whole_are_taken() -> None:
    labels = to_labels(np.array([[0.0, 70_000.0]], np.float32))
    assert labels.dtype == np.int64
    assert labels.tolist() == [[0, 70_000]]


def _png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_a_file_that_claims_more_than_it_may_is_refused_at_once(tmp_path: Path) -> None:
    begin = time.monotonic()
    (tmp_path / "a.png").write_bytes(_png_claiming(100_000, 100_000))
    with pytest.raises(ValueError, match="expected a whole PNG|pixels"):
        read_raster(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(_png_claiming(20_000, 20_000))
    with pytest.raises(ValueError, match="20000x20000 pixels, its image 10x10; they must agree"):
        read_raster(tmp_path / "b.png", (10, 10))
    with pytest.raises(ValueError, match="claims 20000x20000 pixels; at most 1000"):
        read_raster(tmp_path / "b.png", limit=1000)
    assert time.monotonic() - begin < 2


def test_stacks_and_many_channels_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 20, 20), np.uint8), photometric="minisblack")
    with pytest.raises(ValueError, match="a stack of 3 pages"):
        read_raster(tmp_path / "a.tif", (20, 20))
    tifffile.imwrite(
        tmp_path / "b.tif", np.zeros((20, 20, 7), np.uint8), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(ValueError, match="up to 4 channels, got 7"):
        read_raster(tmp_path / "b.tif", (20, 20))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_one_sentence(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    ending = data.draw(st.sampled_from([".png", ".tif"]))
    write_raster(np.arange(60, dtype=np.uint16).reshape(6, 10), folder / f"a{ending}")
    content = bytearray((folder / f"a{ending}").read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    (folder / f"b{ending}").write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        assert read_raster(folder / f"b{ending}", (10, 6)).shape[:2] == (6, 10)
    except ValueError as error:
        assert str(error)
