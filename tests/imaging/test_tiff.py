"""TIFF in the forms that microscopes and their software write: channels, stacks, tiles, compressions."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import ImageFormatError, ImageSelection, read_image


def _image(shape: tuple[int, ...], dtype: str = "uint8") -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_channels_of_a_tiff_stand_last_and_none_is_lost(channels: int, byteorder: str, tmp_path: Path) -> None:
    planes = _image((channels, 21, 34), "uint16")
    metadata = {"axes": "CYX"}
    tifffile.imwrite(tmp_path / "a.tif", planes, imagej=True, metadata=metadata, byteorder=byteorder)
    tifffile.imwrite(
        tmp_path / "b.ome.tif", planes, ome=True, metadata=metadata, photometric="minisblack", byteorder=byteorder
    )
    expected = planes[0] if channels == 1 else np.moveaxis(planes, 0, -1)
    for name in ("a.tif", "b.ome.tif"):
        again = read_image(tmp_path / name)
        assert again.dtype == np.dtype("uint16")
        assert again.dtype.isnative
        np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "TZYX", "ZCYX"])
def test_a_stack_is_no_image(axes: str, tmp_path: Path) -> None:
    stack = _image((3, 4, 8, 9)[4 - len(axes) :], "uint16")
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, ome=True, metadata={"axes": axes}, photometric="minisblack")
    with pytest.raises(ImageFormatError, match=rf"a\.ome\.tif: expected one image, got a stack with the axes {axes}"):
        read_image(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("pages", [2, 3, 4, 5])
def test_it_is_not_guessed_what_unnamed_pages_are_and_they_are_channels_where_these_are_chosen(
    pages: int, tmp_path: Path
) -> None:
    planes = _image((pages, 8, 9), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack")
    with pytest.raises(ImageFormatError, match=rf"by `z` .* or `time` .*some by `channels` \(0 to {pages - 1}\)"):
        read_image(tmp_path / "a.tif")
    everything = ImageSelection(channels=tuple(range(pages)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", everything), np.moveaxis(planes, 0, -1))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", ImageSelection(channels=(1,))), planes[1])
    with pytest.raises(ImageFormatError, match="`channels` must be among those there are"):
        read_image(tmp_path / "a.tif", ImageSelection(channels=(pages,)))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_compressed_tiffs_are_read(compression: str, tmp_path: Path) -> None:
    for image in (_image((9, 7)), _image((9, 7, 3)), _image((9, 7), "uint16")):
        PIL.Image.fromarray(image).save(tmp_path / "a.tif", compression=compression)
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image)


@pytest.mark.parametrize("tiling", [{"tile": (16, 16)}, {"rowsperstrip": 3}, {"planarconfig": "separate"}])
def test_tiles_strips_and_planes_make_no_difference(tiling: dict[str, Any], tmp_path: Path) -> None:
    image = _image((40, 50, 3))
    planes = np.moveaxis(image, -1, 0) if "planarconfig" in tiling else image
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", compression="zlib", **tiling)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image)
