"""Zip archives of ROIs and of GeoJSON: locked, damaged, and as QuPath packs them."""

import json
import os
import zipfile
from pathlib import Path

import pytest
import roifile

from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[4] / ".." / "shared" / "cases"))
ONE = ImageIndex([ImageRecord("a.png", 100, 80)])
FEATURE = {
    "type": "Feature", "properties": {"objectType": "annotation"},
    "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]]},
}  # fmt: skip


def _write_rois(path: Path, count: int = 2) -> None:
    roi = roifile.ImagejRoi.frompoints([[1, 1], [9, 1], [9, 9]])
    roifile.roiwrite(path, [roi] * count, name=[str(number) for number in range(count)])


def _lock(path: Path) -> None:
    """Mark every member of an archive as encrypted, in its own header and in the directory."""
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(signature, place + 4)
    path.write_bytes(bytes(content))


def test_an_encrypted_set_of_rois_is_recognised_and_its_image_is_not_taken_for_empty(tmp_path: Path) -> None:
    _write_rois(tmp_path / "a_RoiSet.zip")
    _lock(tmp_path / "a_RoiSet.zip")
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.annotations.n_images == 0
    assert conversion.objects_dropped == 2
    reason = conversion.findings[0].reason
    assert reason == (
        "none of its 2 ROIs can be read: the archive is encrypted; unpack it with its password and put what it holds "
        "in its place."
    )


def test_a_set_of_rois_that_was_cut_short_is_recognised_and_said_to_be_damaged(tmp_path: Path) -> None:
    _write_rois(tmp_path / "a_RoiSet.zip", 20)
    whole = (tmp_path / "a_RoiSet.zip").read_bytes()
    (tmp_path / "a_RoiSet.zip").write_bytes(whole[: len(whole) // 2])
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.recognised_by == "a_RoiSet.zip is called like the ROIs of ImageJ"
    assert "no whole zip archive" in conversion.findings[0].reason


def test_a_set_whose_every_roi_is_damaged_leaves_its_image_out(tmp_path: Path) -> None:
    _write_rois(tmp_path / "a_RoiSet.zip", 1)
    content = (tmp_path / "a_RoiSet.zip").read_bytes()
    place = content.find(b"Iout")
    (tmp_path / "a_RoiSet.zip").write_bytes(content[:place] + b"Xxxx" + content[place + 4 :])
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.annotations.n_images == 0
    assert "none of its 1 ROIs can be read: it can't be unpacked: Bad CRC-32" in conversion.findings[0].reason


@pytest.mark.parametrize("name", ["a.geojson.zip", "a.zip"])
def test_zipped_geojson_is_read(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("a.geojson", json.dumps({"type": "FeatureCollection", "features": [FEATURE]}))
        archive.writestr("__MACOSX/._a.geojson", "x")
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.source_format == "qupath_geojson"
    assert conversion.annotations.boxes.tolist() == [[1, 1, 9, 9]]
    assert not conversion.findings


def test_a_locked_or_damaged_geojson_archive_is_listed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.geojson.zip", "w") as archive:
        archive.writestr("a.geojson", json.dumps([FEATURE]))
    _lock(tmp_path / "a.geojson.zip")
    assert "is encrypted" in read_annotations(tmp_path, ONE, format="qupath_geojson").findings[0].reason
    (tmp_path / "a.geojson.zip").write_bytes(b"PK\x03\x04")
    assert "no whole zip archive" in read_annotations(tmp_path, ONE, format="qupath_geojson").findings[0].reason


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
def test_a_strangers_zipped_geojson_is_read() -> None:
    folder = CASES / "formats" / "formats_without_a_hint" / "qupath_geojson_zip" / "labels"
    assert read_annotations(folder, ONE).annotations.n_objects == 1
