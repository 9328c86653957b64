"""TIFF as microscopes and scanners write it: bits, colours, pyramids, several images, calibrations, damage."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import (
    ImageFormatError,
    ImageSelection,
    describe_image,
    hash_pixels,
    open_region_reader,
    read_image,
)

Array = NDArray[Any]


def _pixels(*shape: int, dtype: str = "uint16") -> Array:
    rng = np.random.default_rng(0)
    if dtype.startswith("float"):
        return rng.normal(0, 1e3, shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 7},
    "tiles": {"tile": (32, 16)},
    "zlib strips": {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
    "zstd tiles": {"tile": (16, 48), "compression": "zstd"},
    "lzw tiles": {"tile": (16, 16), "compression": "lzw"},
}


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((75, 61), {"photometric": "minisblack"}),
        ((75, 61, 3), {"photometric": "rgb"}),
        ((3, 75, 61), {"photometric": "rgb", "planarconfig": "separate"}),
    ],
    ids=["grey", "colour", "planes"],
)
def test_regions_and_bands_are_parts_of_the_whole(
    layout: str, shape: tuple[int, ...], options: dict[str, Any], byteorder: Any, tmp_path: Path
) -> None:
    pixels, path = _pixels(*shape), tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, byteorder=byteorder, **options, **LAYOUTS[layout])
    expected = np.moveaxis(pixels, 0, -1) if shape[0] == 3 else pixels
    np.testing.assert_array_equal(read_image(path), expected)
    with open_region_reader(path) as large:
        assert (large.shape, large.dtype) == (expected.shape, expected.dtype)
        for window in ((0, 0, 75, 61), (0, 0, 1, 1), (74, 60, 1, 1), (13, 15, 30, 2), (31, 0, 2, 61), (5, 40, 70, 21)):
            row, column, height, width = window
            part = large.read(*window)
            np.testing.assert_array_equal(part, expected[row : row + height, column : column + width])
            assert part.flags.writeable
            assert part.flags.c_contiguous
        assert hash_pixels(large) == hash_pixels(expected)
        with pytest.raises(ValueError, match=r"a region must lie inside \(75, 61\), got row 70, column 0, height 6"):
            large.read(70, 0, 6, 1)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
)
def test_every_depth_is_kept(dtype: str, tmp_path: Path) -> None:
    pixels = _pixels(19, 23, dtype=dtype)
    for options in ({}, {"compression": "zlib"}, {"tile": (16, 16)}):
        tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
        again = read_image(tmp_path / "a.tif")
        assert again.dtype == pixels.dtype == describe_image(tmp_path / "a.tif")[0].dtype
        np.testing.assert_array_equal(again, pixels)


def _set_tag(path: Path, name: str, value: int) -> None:
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags[name].overwrite(value)


def test_packed_bits_and_twelve_bit_samples_are_unpacked(tmp_path: Path) -> None:
    mask = _pixels(17, 21, dtype="uint8") > 127
    PIL.Image.fromarray(mask).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), mask * np.uint8(255))
    assert describe_image(tmp_path / "a.tif")[0].dtype == "uint8"
    import imagecodecs

    twelve = _pixels(17, 22) >> 4
    packed = np.frombuffer(imagecodecs.packints_encode(twelve, 12), np.uint8)
    tifffile.imwrite(tmp_path / "b.tif", packed.reshape(17, 33), metadata=None)
    for name, value in (("BitsPerSample", 12), ("ImageWidth", 22)):
        _set_tag(tmp_path / "b.tif", name, value)
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif"), twelve)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_where_white_is_stored_as_0_bright_is_high(dtype: str, tmp_path: Path) -> None:
    pixels = _pixels(17, 21, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), np.iinfo(dtype).max - pixels)


def test_ink_becomes_light_as_pillow_turns_it(tmp_path: Path) -> None:
    ink = PIL.Image.fromarray(_pixels(17, 21, 4, dtype="uint8"), "CMYK")
    for name in ("a.tif", "a.jpg"):
        ink.save(tmp_path / name)
        with PIL.Image.open(tmp_path / name) as saved:
            expected = np.array(saved.convert("RGB")).astype(int)
        assert np.abs(read_image(tmp_path / name) - expected).max() <= 1
        assert describe_image(tmp_path / name)[0].shape == (17, 21, 3)


def test_grey_with_transparency_is_grey_and_other_second_samples_are_channels(tmp_path: Path) -> None:
    pixels = _pixels(17, 21, 2)
    for extra, expected in (("unassalpha", pixels[..., 0]), ("unspecified", pixels)):
        tifffile.imwrite(
            tmp_path / "a.tif", pixels, photometric="minisblack", planarconfig="contig", extrasamples=[extra]
        )
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("place", ["inner", "after"])
def test_of_a_pyramid_the_finest_level_is_read(place: str, tmp_path: Path) -> None:
    pixels = _pixels(2, 128, 96)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=place == "inner") as writer:
        options: dict[str, Any] = {"tile": (32, 32), "photometric": "minisblack"}
        if place == "inner":
            writer.write(pixels, subifds=2, metadata={"axes": "CYX"}, **options)
        else:
            writer.write(pixels, metadata={"axes": "CYX"}, **options)
        for step in (2, 4):
            writer.write(pixels[:, ::step, ::step], subfiletype=1, **options)
    assert [info.shape for info in describe_image(tmp_path / "a.ome.tif")] == [(2, 128, 96)]
    np.testing.assert_array_equal(read_image(tmp_path / "a.ome.tif"), np.moveaxis(pixels, 0, -1))


def test_images_of_different_size_in_one_file_are_scenes(tmp_path: Path) -> None:
    first, second = _pixels(20, 30), _pixels(25, 17)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(first, metadata=None)
        writer.write(second, metadata=None)
    with pytest.raises(ImageFormatError, match=r"a\.tif: expected one image, got 2 scenes; choose `scene` \(0, 1\)\."):
        read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", ImageSelection(scene=1)), second)


def test_imagej_hyperstacks_tell_names_and_sizes(tmp_path: Path) -> None:
    pixels = _pixels(3, 2, 12, 14)
    labels = [f"c:{c + 1}/2 z:{z + 1}/3 - {name}" for z in range(3) for c, name in enumerate(("DNA", "Actin"))]
    metadata = {"axes": "ZCYX", "spacing": 2.0, "unit": "micron", "Labels": labels}
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, resolution=(4.0, 2.0), metadata=metadata)
    (info,) = describe_image(tmp_path / "a.tif")
    assert (info.axes, info.shape, info.channel_names) == ("ZCYX", (3, 2, 12, 14), ("DNA", "Actin"))
    assert (info.pixel_size_um, info.z_step_um) == (pytest.approx((0.5, 0.25)), 2.0)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", ImageSelection(("actin",), z=1)), pixels[1, 1])


@pytest.mark.parametrize(
    ("unit", "size"),
    [("um", 0.5), (r"\u00B5m", 0.5), ("nm", 0.0005), ("mm", None), ("pixel", None), ("", None), ("inch", None)],
)
def test_imagej_units_become_micrometres_and_pixels_stay_unknown(unit: str, size: float | None, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", _pixels(5, 6), imagej=True, resolution=(2.0, 2.0), metadata={"unit": unit})
    expected = None if size is None else pytest.approx((size, size))
    assert describe_image(tmp_path / "a.tif")[0].pixel_size_um == expected


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        (72, "inch", None),
        (300, "inch", None),
        (40_000, "centimeter", 0.25),
        (254_000, "inch", 0.1),
        (5000, 1, None),
    ],
)
def test_a_resolution_tag_counts_where_a_microscope_may_have_written_it(
    resolution: int, unit: Any, size: float | None, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", _pixels(5, 6), resolution=(resolution, resolution), resolutionunit=unit)
    expected = None if size is None else pytest.approx((size, size))
    assert describe_image(tmp_path / "a.tif")[0].pixel_size_um == expected
