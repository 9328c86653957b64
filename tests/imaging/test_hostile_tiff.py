"""Hostile, false and damaged TIFF files: a sentence with the file's name, without delay or exhausted memory."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from cell_pipelines.imaging.reading import ImageFormatError, ImageSelection, describe_image, read_image

Array = NDArray[Any]


def _pixels(*shape: int, dtype: str = "uint16") -> Array:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def _set_tag(path: Path, name: str, value: int) -> None:
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags[name].overwrite(value)


def test_a_file_of_a_set_stands_for_itself_and_no_other_is_opened(tmp_path: Path) -> None:
    pixels = _pixels(8, 9)
    (tmp_path / "inside").mkdir()
    tifffile.imwrite(tmp_path / "other.ome.tif", _pixels(8, 9) + 1, metadata={"axes": "YX"})
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="9" SizeY="8" SizeC="1" SizeZ="2" SizeT="1" '
        'PhysicalSizeX="0.5" PhysicalSizeY="0.5"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData FirstZ="0" IFD="0" PlaneCount="1"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>'
        '<TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="../other.ome.tif">urn:uuid:2</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    path = tmp_path / "inside" / "a.ome.tif"
    tifffile.imwrite(path, pixels, description=xml, metadata=None)
    np.testing.assert_array_equal(read_image(path), pixels)
    assert describe_image(path)[0].pixel_size_um == (0.5, 0.5)


OME = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" '
    'DimensionOrder="XYCZT" Type="uint16" SizeX="9" SizeY="8" SizeC="1" SizeZ="{z}" SizeT="1">'
    '<Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData {data}/></Pixels></Image></OME>'
)
HOSTILE = {
    "planes": (OME.format(z=10**9, data='IFD="0"'), r"an OME description that claims 1000000000 planes"),
    "count": (OME.format(z=1, data='IFD="0" PlaneCount="999999999"'), "claims more planes than any microscope takes"),
    "entity": ('<!DOCTYPE x [<!ENTITY a "b">]>' + OME.format(z=1, data='IFD="0"'), "declares entities"),
    "missing": (OME.format(z=3, data='IFD="0"'), "page 3 of the image is not in the file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_false_ome_description_is_refused(name: str, tmp_path: Path) -> None:
    xml, sentence = HOSTILE[name]
    tifffile.imwrite(tmp_path / "a.ome.tif", _pixels(8, 9), description=xml, metadata=None)
    with pytest.raises(ImageFormatError, match=rf"a\.ome\.tif: expected a whole image, got: .*{sentence}"):
        read_image(tmp_path / "a.ome.tif", ImageSelection(z=2 if name == "missing" else None))


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits"])
def test_a_small_file_that_claims_a_large_image_is_refused_by_its_header(compression: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint16), compression=compression, metadata=None)
    for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
        _set_tag(path, name, 20_000)
    with pytest.raises(ImageFormatError, match=r"a\.tif: expected a whole image, got: .*(cut short|too few|bytes)"):
        read_image(path)


def test_pages_in_a_circle_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for _ in range(150):
            writer.write(np.zeros((4, 4), np.uint8), metadata=None, contiguous=False)
    with tifffile.TiffFile(path) as tiff:
        offsets = [page.offset for page in tiff.pages]
    content = bytearray(path.read_bytes())
    number = struct.unpack_from("<H", content, offsets[-1])[0]
    struct.pack_into("<I", content, offsets[-1] + 2 + 12 * number, offsets[3])
    path.write_bytes(content)
    with pytest.raises(ImageFormatError, match="pages that lead in a circle"):
        read_image(path)


def _tiff(*arguments: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, *arguments, **options)
    return buffer.getvalue()


DAMAGED: dict[str, Callable[[], bytes]] = {
    "ome.tif": lambda: _tiff(_pixels(2, 9, 7), ome=True, metadata={"axes": "CYX"}, photometric="minisblack"),
    "imagej.tif": lambda: _tiff(_pixels(3, 2, 9, 7), imagej=True, metadata={"axes": "ZCYX", "unit": "um"}),
    "shaped.tif": lambda: _tiff(_pixels(3, 9, 7), tile=(16, 16), compression="zlib", photometric="minisblack"),
    "jpeg.tif": lambda: _tiff(_pixels(40, 30, 3, dtype="uint8"), compression="jpeg", tile=(16, 16)),
    "big.tif": lambda: _tiff(_pixels(9, 7), bigtiff=True, compression="lzw"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_bytes_give_an_image_or_a_refusal(name: str, tmp_path: Path) -> None:
    path, content, rng = tmp_path / name, DAMAGED[name](), np.random.default_rng(1)
    for i in range(150):
        damaged = bytearray(content[: None if i % 4 else int(rng.integers(1, len(content)))])
        for _ in range(1 + i % 3):
            damaged[int(len(damaged) * rng.random() ** 2)] = int(rng.integers(256))
        path.write_bytes(damaged)
        try:
            assert read_image(path, ImageSelection(z="max")).ndim in (2, 3)
        except ImageFormatError as error:
            assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize("kind", ["plain", "imagej", "ome"])
def test_a_stack_that_is_cut_between_its_pages_is_refused_and_not_read_as_a_shorter_one(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    pixels = np.random.default_rng(0).integers(0, 255, (4, 40, 50), dtype=np.uint8)
    with tifffile.TiffWriter(path, imagej=kind == "imagej", ome=kind == "ome") as file:
        if kind == "plain":
            for page in pixels:
                file.write(page, contiguous=False, metadata=None)
        else:
            file.write(pixels, metadata={"axes": "TYX"})
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        last = file.pages[-1].offset
    path.write_bytes(whole[: last - 20])
    with pytest.raises(ImageFormatError, match="a file cut short or damaged: page [2-4] "):
        read_image(path, ImageSelection(time=0))
