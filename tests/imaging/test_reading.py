"""Images are read with all their bits and written back the same; each refusal names the file."""

import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import (
    WRITTEN_SUFFIXES,
    ImageFile,
    ImageFormatError,
    describe_image,
    hash_pixels,
    list_image_files,
    read_image,
    write_image,
)

Image = NDArray[Any]
LOSSLESS = (".png", ".bmp", ".tif", ".tiff")
SHAPES = [(17, 23), (17, 23, 3), (1, 1), (1, 1, 3), (3, 40, 3), (2, 3), (40, 3)]


def _image(shape: tuple[int, ...], dtype: str = "uint8", seed: int = 0) -> Image:
    rng = np.random.default_rng(seed)
    if dtype.startswith("float"):
        return rng.normal(0, 1e3, shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(suffix, "uint8") for suffix in LOSSLESS]
    + [(suffix, "uint16") for suffix in (".png", ".tif")]
    + [(".tif", dtype) for dtype in ("uint32", "int16", "int32", "float32", "float64")],
)
def test_what_is_written_is_read(suffix: str, dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    image = _image(shape, dtype)
    before = image.copy()
    write_image(image, tmp_path / f"a{suffix}")
    again = read_image(tmp_path / f"a{suffix}")
    assert again.dtype == image.dtype
    np.testing.assert_array_equal(again, image)
    np.testing.assert_array_equal(image, before)
    assert hash_pixels(again) == hash_pixels(image)
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


def test_jpeg_comes_back_nearly_the_same_and_in_the_same_colours(tmp_path: Path) -> None:
    image = np.zeros((32, 48, 3), np.uint8)
    image[:, :16, 0], image[:, 16:32, 1], image[:, 32:, 2] = 200, 150, 100
    write_image(image, tmp_path / "a.jpg")
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - image)[:, [8, 24, 40]].max() < 12
    write_image(image[..., 0], tmp_path / "b.JPEG")
    assert read_image(tmp_path / "b.JPEG").shape == (32, 48)


def test_an_independent_reader_sees_what_is_written(tmp_path: Path) -> None:
    for suffix in (".png", ".bmp", ".tif"):
        image = _image((9, 7, 3))
        write_image(image, tmp_path / f"a{suffix}")
        np.testing.assert_array_equal(np.asarray(PIL.Image.open(tmp_path / f"a{suffix}")), image)
    deep = _image((9, 7), "uint16")
    write_image(deep, tmp_path / "deep.png")
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(tmp_path / "deep.png")), deep)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_alpha_channel_is_left_out(suffix: str, tmp_path: Path) -> None:
    image = _image((9, 7, 4))
    PIL.Image.fromarray(image).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), image[..., :3])


def test_grey_with_alpha_is_grey(tmp_path: Path) -> None:
    PIL.Image.new("LA", (7, 9), (77, 128)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.full((9, 7), 77))


def test_deep_colour_png_keeps_its_bits_with_and_without_alpha(tmp_path: Path) -> None:
    image = _image((9, 7, 4), "uint16")
    for channels in (3, 4):
        order = [2, 1, 0, 3][:channels]
        (tmp_path / "a.png").write_bytes(cv2.imencode(".png", image[..., order])[1].tobytes())
        again = read_image(tmp_path / "a.png")
        assert again.dtype == np.uint16
        np.testing.assert_array_equal(again, image[..., :3])


def test_deep_grey_png_with_alpha_is_grey_and_a_turned_deep_one_is_upright(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    image = _image((9, 7, 3), "uint16")
    for samples, kind in ((2, 4), (3, 2)):
        pixels = b"".join(b"\0" + row.tobytes() for row in image[..., :samples].astype(">u2"))
        mark = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 9, 16, kind, 0, 0, 0)) + chunk(b"eXIf", mark)
        whole = header + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + whole)
        expected = np.rot90(image[..., 0] if kind == 4 else image, -1)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)
        (info,) = describe_image(tmp_path / "a.png")
        assert (info.shape, info.dtype) == (expected.shape, "uint16")


def test_a_palette_gives_its_colours_and_a_palette_of_greys_gives_grey(tmp_path: Path) -> None:
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    for palette, shape in (([255, 0, 0, 0, 255, 0, 9, 9, 9], (3, 4, 3)), ([7, 7, 7, 0, 0, 0, 255, 255, 255], (3, 4))):
        picture = PIL.Image.frombytes("P", (4, 3), indices.tobytes())
        picture.putpalette(palette)
        picture.save(tmp_path / "a.png")
        expected = np.array(palette, np.uint8).reshape(-1, 3)[indices]
        again = read_image(tmp_path / "a.png")
        assert again.shape == shape
        np.testing.assert_array_equal(again, expected if len(shape) == 3 else expected[..., 0])


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    mask = _image((9, 7)) > 127
    PIL.Image.fromarray(mask).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), mask * np.uint8(255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cameras_orientation_is_obeyed(orientation: int, tmp_path: Path) -> None:
    """The mark says how the stored rows and columns lie in the scene, as in the Exif standard."""
    scene = np.zeros((16, 32), np.uint8)
    scene[:8, :16] = 250
    turn = {
        1: scene, 2: scene[:, ::-1], 3: scene[::-1, ::-1], 4: scene[::-1],
        5: scene.T, 6: np.rot90(scene), 7: scene[::-1, ::-1].T, 8: np.rot90(scene, -1),
    }  # fmt: skip
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(np.ascontiguousarray(turn[orientation])).save(tmp_path / "a.jpg", exif=exif, quality=95)
    again = read_image(tmp_path / "a.jpg")
    assert again.shape == scene.shape
    assert np.abs(again.astype(int) - scene).max() < 20


def test_the_hash_is_that_of_the_pixels_whatever_the_file(tmp_path: Path) -> None:
    image = _image((9, 7, 3))
    hashes = set()
    for suffix in LOSSLESS:
        write_image(image, tmp_path / f"a{suffix}")
        hashes.add(hash_pixels(read_image(tmp_path / f"a{suffix}")))
    assert hashes == {hash_pixels(image)} == {hash_pixels(image[:, ::-1][:, ::-1])}
    deep = _image((9, 7), "uint16")
    assert hash_pixels(deep) == hash_pixels(deep.astype(">u2"))


def test_the_hash_changes_with_any_pixel_shape_or_depth() -> None:
    image = _image((9, 8))
    others = [image.reshape(8, 9), image.astype(np.uint16), image[:, ::-1], image[..., None]]
    for row, column in ((0, 0), (8, 7), (4, 4)):
        other = image.copy()
        other[row, column] ^= 1
        others.append(other)
    assert len({hash_pixels(image), *map(hash_pixels, others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("name", "image", "match"),
    [
        ("a.gif", np.zeros((4, 4), np.uint8), r"must end in one of \.png, \.jpg"),
        ("a", np.zeros((4, 4), np.uint8), "must end in one of"),
        ("a.png", np.zeros((4, 4), np.float32), "must be uint8 or uint16 for this ending, got float32"),
        ("a.png", np.zeros((4, 4), np.int32), "got int32"),
        ("a.png", np.zeros((4, 4), bool), "got bool"),
        ("a.jpg", np.zeros((4, 4), np.uint16), "must be uint8 for this ending, got uint16"),
        ("a.bmp", np.zeros((4, 4), np.uint16), "must be uint8"),
        ("a.png", np.zeros((4, 4, 4), np.uint8), r"must be \(H, W\) or \(H, W, 3\)"),
        ("a.tif", np.zeros((4, 4, 2), np.uint8), r"must be \(H, W\) or \(H, W, 3\)"),
        ("a.png", np.zeros((0, 4), np.uint8), r"must be \(H, W\) or \(H, W, 3\)"),
        ("a.png", np.zeros(4, np.uint8), r"must be \(H, W\) or \(H, W, 3\)"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_and_nothing_is_written(
    name: str, image: Image, match: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=match):
        write_image(image, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_images_are_listed_at_any_depth_in_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "a.tif", "b/1.jpg", ".hidden/x.png", ".x.png", "notes.txt", "b/c/d.bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    assert list(list_image_files(tmp_path)) == ["a.tif", "b/1.jpg", "b/2.PNG", "b/c/d.bmp"]


def test_a_folder_without_images_and_a_missing_folder_give_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageFormatError, match=rf"{tmp_path.name}: found no image; expected files ending in \.png"):
        list_image_files(tmp_path)
    with pytest.raises(ImageFormatError, match=r"nowhere: expected a folder with images; there is none\."):
        list_image_files(tmp_path / "nowhere")


def test_an_image_file_is_read_when_called_also_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(_image((4, 5)), path)
    file = pickle.loads(pickle.dumps(ImageFile(path)))
    np.testing.assert_array_equal(file(), _image((4, 5)))
    before = file.signature()
    write_image(_image((14, 15)), path)
    assert file.signature() != before


def test_an_image_that_was_read_is_an_array_like_any_other(tmp_path: Path) -> None:
    for suffix in WRITTEN_SUFFIXES:
        write_image(_image((4, 5)), tmp_path / f"a{suffix}")
        image = read_image(tmp_path / f"a{suffix}")
        assert image.flags.writeable
        assert image.flags.c_contiguous
