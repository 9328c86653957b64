"""Files of ImageJ ROIs: which image each belongs to, ROIs inside TIFF images, damaged and too large archives."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
import tifffile
from roifile import ROI_TYPE, ImagejRoi

from cell_pipelines.annotations.formats.imagej_roi import detect, read
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.selection import iterate_images

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[4] / ".." / "shared" / "data"))
INDEX = ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("b.png", 100, 80)])


def _polygon() -> ImagejRoi:
    roi = ImagejRoi.frompoints([[10, 20], [30, 20], [30, 50]], name="x")
    roi.roitype = ROI_TYPE.POLYGON
    return roi


def _frame() -> ImagejRoi:
    return ImagejRoi(roitype=ROI_TYPE.RECT, left=10, top=20, right=30, bottom=50)


@pytest.mark.parametrize(
    ("file", "images", "expected"),
    [
        ("RoiSet.zip", ["x.tif"], "x.tif"),
        ("x.zip", ["x.tif", "y.tif"], "x.tif"),
        ("x.tif_RoiSet.zip", ["x.tif", "x.png"], "x.tif"),
        ("RoiSet_x.zip", ["x.tif", "y.tif"], "x.tif"),
        ("x-rois.zip", ["x.tif", "y.tif"], "x.tif"),
        ("x.2_RoiSet.zip", ["x.tif", "x.2.tif"], "x.2.tif"),
        ("x-_RoiSet.zip", ["x.tif", "x-.tif"], "x-.tif"),
        ("set1/RoiSet.zip", ["set1/raw.tif", "set1/phase.png", "set2/raw.tif"], "set1/raw.tif"),
        ("set1/RoiSet.zip", ["set1/x.tif", "set1/instances_ids.png", "set2/x.tif"], "set1/x.tif"),
        ("set1/RoiSet.zip", ["images/set1/raw.tif", "images/set2/raw.tif"], "images/set1/raw.tif"),
        ("x_rois/0001-0002.roi", ["x.tif", "y.tif"], "x.tif"),
        ("x.roi", ["x.tif", "y.tif"], "x.tif"),
        ("RoiSet.zip", ["x.tif", "y.tif"], None),
        ("z_RoiSet.zip", ["x.tif"], None),
        ("set1/RoiSet.zip", ["set2/raw.tif"], None),
    ],
)
def test_the_image_is_found_by_name_or_folder(
    file: str, images: list[str], expected: str | None, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(_polygon().tobytes())
    if path.suffix == ".zip":
        path.unlink()
        roifile.roiwrite(path, [_polygon()], name=["1"])
    conversion = read(tmp_path, ImageIndex(ImageRecord(name, 100, 80) for name in images))
    conversion.check()
    assert conversion.annotations.names == ([expected] if expected else [])
    if expected is None:
        skipped = next(f.reason for f in conversion.findings if f.file == file and f.action == "skipped")
        assert "image" in skipped
        assert ("x.tif, y.tif" in skipped) is (images == ["x.tif", "y.tif"])


def test_rois_inside_an_imagej_tiff_are_read_once(tmp_path: Path) -> None:
    one, two = _polygon().tobytes(), _frame().tobytes()
    pixels = np.zeros((80, 100), np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", pixels, imagej=True, metadata={"Overlays": [one, two], "ROI": one})
    tifffile.imwrite(tmp_path / "y.tif", pixels, imagej=True)
    index = ImageIndex([ImageRecord("x.tif", 100, 80), ImageRecord("y.tif", 100, 80)])
    assert detect(tmp_path) == "x.tif holds ROIs of ImageJ"
    conversion = read(tmp_path, index)
    assert (conversion.annotations.names, conversion.annotations.n_objects) == (["x.tif"], 2)
    roifile.roiwrite(tmp_path / "x_RoiSet.zip", [_polygon()], name=["1"])
    both = read(tmp_path, index)
    assert (both.annotations.n_objects, both.objects_dropped) == (1, 2)


def test_single_files_of_one_image_are_taken_together(tmp_path: Path) -> None:
    for name in ("1-2", "3-4"):
        (tmp_path / f"{name}.roi").write_bytes(_polygon().tobytes())
    (tmp_path / "5-6.roi").write_bytes(b"text")
    conversion = read(tmp_path, ImageIndex([ImageRecord("x.tif", 100, 80)]))
    assert (conversion.annotations.n_objects, conversion.objects_in) == (2, 3)
    assert any(f.file == "5-6.roi" and "no ROI" in f.reason for f in conversion.findings)


def test_other_and_damaged_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "text")
    assert detect(tmp_path) is None
    (tmp_path / "a_RoiSet.zip").write_bytes(b"PK\x03\x04" + bytes(40))
    [finding] = [f for f in read(tmp_path, INDEX).findings if f.file.endswith("zip")]
    assert "no whole zip archive" in finding.reason


def test_archives_beyond_the_limits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roifile.roiwrite(tmp_path / "a_RoiSet.zip", [_polygon(), _polygon(), _polygon()], name=["1", "2", "3"])
    place = "cell_pipelines.annotations.formats.parts.imagej_files"
    size = len(_polygon().tobytes())
    monkeypatch.setattr(f"{place}.MAX_UNPACKED_BYTES", 2 * size)
    conversion = read(tmp_path, INDEX)
    assert (conversion.annotations.n_objects, conversion.objects_dropped) == (2, 1)
    monkeypatch.setattr("cell_pipelines.annotations.formats.sources.archives.MAX_MEMBERS", 2)
    assert any("at most 2 are read" in f.reason for f in read(tmp_path, INDEX).findings)


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
def test_label_images_of_real_rois_were_drawn_by_testing_pixel_corners() -> None:
    folder = DATA / "phase_contrast_instances_t98g"
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("raw.tif")]
    index = ImageIndex(ImageRecord(name, 1024, 1022) for name in sorted(names))
    wrong = {}
    for rule in ("centres", "corners"):
        conversion = read(folder, index, filled_by=rule)
        assert (conversion.objects_in, conversion.annotations.n_objects) == (250, 250)
        wrong[rule] = 0
        for one in iterate_images(conversion.annotations):
            truth = _instances_beside(folder / one.names[0]).astype(bool)
            wrong[rule] += int((truth != (objects_to_labels(one)[0] > 0)).sum())
    assert wrong["corners"] == 0
    assert 0 < wrong["centres"] < 0.02 * 594_821


def _instances_beside(image: Path) -> Any:
    import PIL.Image

    with PIL.Image.open(image.parent / "instances_ids.png") as picture:
        return np.array(picture)
