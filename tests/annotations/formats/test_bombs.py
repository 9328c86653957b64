"""Small label files that would unpack to gigabytes are refused before they take memory."""

import gzip
import json
import zipfile
import zlib

import numpy as np
import PIL.Image
import pytest
import tifffile

from cell_pipelines.annotations.formats.label_pictures.rasters import read_raster
from cell_pipelines.annotations.formats.parts.geojson_files import read_geojson
from cell_pipelines.annotations.formats.parts.imagej_files import read_rois
from cell_pipelines.annotations.formats.sources import decoding


def test_a_gzipped_file_of_blanks_is_refused(tmp_path) -> None:
    path = tmp_path / "a.geojson.gz"
    path.write_bytes(gzip.compress(b'{"type": "FeatureCollection", "features": []}' + b" " * (40 << 20)))
    with pytest.raises(ValueError, match=r"more than 16777216 bytes when unpacked"):
        read_geojson(path)
    with zipfile.ZipFile(tmp_path / "a.geojson.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b" " * (40 << 20))
    with pytest.raises(ValueError, match=r"unpacks to more than 16777216 bytes"):
        read_geojson(tmp_path / "a.geojson.zip")
    path.write_bytes(gzip.compress(json.dumps({"features": list(range(10_000))}).encode()))
    assert json.loads(read_geojson(path))["features"][-1] == 9_999


def test_an_archive_of_huge_blank_rois_ends_at_its_limit(tmp_path) -> None:
    path = tmp_path / "RoiSet.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.roi", b"\0" * (30 << 20))
    members = list(read_rois(path) or [])
    assert [isinstance(content, bytes) for _, content in members] == [True, True, False, False]


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_blank_label_picture_of_gigabytes_is_refused(tmp_path, ending) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "tif":
        tifffile.imwrite(path, np.zeros((16, 16, 4), np.uint16), photometric="rgb", compression="zlib", metadata=None)
        with tifffile.TiffFile(path, mode="r+b") as tiff:
            for tag in ("ImageLength", "ImageWidth", "RowsPerStrip"):
                tiff.pages.first.tags[tag].overwrite(20_000)
    else:
        PIL.Image.new("RGBA", (64, 64)).save(path)
        content = bytearray(path.read_bytes())
        content[16:24] = (20_000).to_bytes(4, "big") * 2
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"MB of memory"):
        read_raster(path)


def test_whatever_a_decoder_raises_is_a_decoding_error() -> None:
    for error in (ZeroDivisionError(), TypeError(), BufferError(), type("Odd", (Exception,), {})()):
        assert isinstance(error, decoding.decoding_errors())
