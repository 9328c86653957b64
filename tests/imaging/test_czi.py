"""CZI: scenes, mosaics, colours and compressions of small files made here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import (
    ImageFile,
    ImageFormatError,
    ImageSelection,
    describe_image,
    hash_pixels,
    list_image_files,
    open_region_reader,
    read_image,
)

RNG = np.random.default_rng(0)
Write = Callable[..., None]
Array = NDArray[Any]


def _pixels(*shape: int, dtype: str = "uint16") -> Array:
    return RNG.integers(0, 255, shape).astype(dtype)


def test_channels_and_depths_are_found_by_name_and_number(write_czi: Write, tmp_path: Path) -> None:
    planes = _pixels(2, 3, 20, 30)
    tiles = [({"X": 0, "Y": 0, "C": c, "Z": z, "T": 0}, planes[c, z], 0) for c in range(2) for z in range(3)]
    path = tmp_path / "a.czi"
    write_czi(path, tiles, channels="DAPI GFP")
    info = describe_image(path)[0]
    assert (info.axes, info.shape, info.channel_names) == ("ZCYX", (3, 2, 20, 30), ("DAPI", "GFP"))
    assert (info.pixel_size_um, info.z_step_um) == (pytest.approx((0.5, 0.25)), pytest.approx(1.0))
    np.testing.assert_array_equal(read_image(path, ImageSelection(z="max")), np.moveaxis(planes.max(axis=1), 0, -1))
    np.testing.assert_array_equal(read_image(path, ImageSelection(("gfp",), z=2)), planes[1, 2])


def test_a_mosaic_is_put_together_with_later_tiles_above_and_smaller_copies_left_out(
    write_czi: Write, tmp_path: Path
) -> None:
    expected = np.zeros((50, 70), np.uint16)
    tiles = [({"X": -100, "Y": -40, "M": -1}, np.full((25, 35), 9999, np.uint16), 0)]
    for m, (row, column) in enumerate([(0, 0), (0, 30), (25, 5), (20, 40)]):
        tile = _pixels(25, 30)
        expected[row : row + 25, column : column + 30] = tile
        tiles.append(({"X": column + 7, "Y": row + 400, "M": m}, tile, 0))
    tiles[0][0].update(X=7, Y=400)
    path = tmp_path / "a.czi"
    write_czi(path, [tiles[0], *reversed(tiles[1:])])
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(ImageFile(path).region(10, 12, 30, 40), expected[10:40, 12:52])
    with open_region_reader(path) as large:
        assert hash_pixels(large) == hash_pixels(expected)


def test_scenes_have_their_own_size_and_are_chosen_by_name(write_czi: Write, tmp_path: Path) -> None:
    first, second = _pixels(10, 12), _pixels(14, 9)
    path = tmp_path / "a.czi"
    write_czi(path, [({"X": 0, "Y": 0, "S": 0}, first, 0), ({"X": 500, "Y": 9, "S": 1}, second, 0)], scenes="A1 B2")
    assert [(s.scene, s.shape) for s in describe_image(path)] == [("A1", (10, 12)), ("B2", (14, 9))]
    np.testing.assert_array_equal(read_image(path, ImageSelection(scene="b2")), second)
    assert list(list_image_files(tmp_path)) == ["a.czi/scene 0", "a.czi/scene 1"]
    assert list(list_image_files(tmp_path, ImageSelection(scene="A1"))) == ["a.czi"]
    with pytest.raises(ImageFormatError, match=r"choose `scene` \(0 'A1', 1 'B2'\)"):
        read_image(path)


def test_colours_stand_as_red_green_blue(write_czi: Write, tmp_path: Path) -> None:
    blue_first = _pixels(9, 8, 3, dtype="uint8")
    write_czi(tmp_path / "a.czi", [({"X": 0, "Y": 0}, blue_first, 0)])
    np.testing.assert_array_equal(read_image(tmp_path / "a.czi"), blue_first[..., ::-1])
    assert describe_image(tmp_path / "a.czi")[0].channel_names == ("red", "green", "blue")


def _pack(pixels: Array) -> bytes:
    """Low and high bytes apart, behind the header that says so."""
    apart = np.ascontiguousarray(np.ascontiguousarray(pixels).view(np.uint8).reshape(-1, 2).T)
    return bytes([3, 1, 1]) + bytes(imagecodecs.zstd_encode(apart.tobytes()))


@pytest.mark.parametrize(
    ("number", "encode"),
    [
        (2, lambda p: bytes(imagecodecs.lzw_encode(p.tobytes()))),
        (4, lambda p: bytes(imagecodecs.jpegxr_encode(p, level=1.0))),
        (5, lambda p: bytes(imagecodecs.zstd_encode(p.tobytes()))),
        (6, _pack),
        (6, lambda p: b"\x01" + bytes(imagecodecs.zstd_encode(p.tobytes()))),
    ],
    ids=["lzw", "jpegxr", "zstd", "zstd with bytes apart", "zstd with a header"],
)
def test_compressed_tiles_are_read(
    number: int, encode: Callable[[Array], bytes], write_czi: Write, tmp_path: Path
) -> None:
    pixels = _pixels(40, 32)
    write_czi(tmp_path / "a.czi", [({"X": 0, "Y": 0}, pixels, number)], encode)
    np.testing.assert_array_equal(read_image(tmp_path / "a.czi"), pixels)


def test_an_unknown_compression_and_a_claim_of_too_many_pixels_are_refused(write_czi: Write, tmp_path: Path) -> None:
    path = tmp_path / "a.czi"
    write_czi(path, [({"X": 0, "Y": 0}, _pixels(9, 8), 77)])
    with pytest.raises(ImageFormatError, match=r"a\.czi: expected .*known compression of tiles, got number 77"):
        read_image(path)
    write_czi(path, [({"X": 0, "Y": 0}, np.zeros((4000, 9000), np.uint16), 0)], lambda p: b"\0" * 50)
    with pytest.raises(ImageFormatError, match=r"a\.czi: .*a tile of 4000 x 9000 pixels, for which its 50 bytes"):
        read_image(path)
    far = [({"X": 0, "Y": 0}, _pixels(9, 8), 0), ({"X": 1 << 30, "Y": 1 << 30}, _pixels(9, 8), 0)]
    write_czi(path, far)
    with pytest.raises(ImageFormatError, match=r"a\.czi: claims \d+ pixels"):
        read_image(path)


def test_damaged_bytes_give_an_image_or_a_refusal(write_czi: Write, tmp_path: Path) -> None:
    path = tmp_path / "a.czi"
    write_czi(path, [({"X": 0, "Y": 0, "C": c}, _pixels(9, 8), 0) for c in range(2)], channels="a b")
    content, rng = path.read_bytes(), np.random.default_rng(1)
    for i in range(300):
        damaged = bytearray(content[: None if i % 3 else int(rng.integers(len(content)))])
        if damaged:
            damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_image(path).ndim in (2, 3)
        except ImageFormatError as error:
            assert str(error).startswith(f"{path}: ")
