"""Names of files and folders as other systems write them: capitals, accents, percent signs, several endings."""

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.registry import FORMATS, read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[3] / ".." / "shared" / "cases")) / "formats"
# The names within a Zarr are keys, which every program that reads it distinguishes by their capitals.
OF_ANY_CASE = [name for name in FORMATS if name != "ome_zarr"]
with_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")


def _index(*names: str, size: tuple[int, int] = (20, 16)) -> ImageIndex:
    return ImageIndex(ImageRecord(name, *size) for name in names)


def _set(*names: str) -> Any:
    builder = AnnotationBuilder(["cell"])
    for name in names:
        row = builder.add_image(name, width=20, height=16)
        builder.add_box(row, "cell", (3, 3, 9, 8))
        builder.add_object(row, "cell", "point", (3, 3, 3, 3))
    return builder.build()


def _counts(conversion: Conversion) -> dict[str, int]:
    return dict(zip(conversion.annotations.names, conversion.annotations.counts().sum(axis=1).tolist(), strict=True))


@pytest.mark.parametrize("name", OF_ANY_CASE)
def test_every_format_is_read_with_its_endings_in_capitals(name: str, tmp_path: Path) -> None:
    """Windows and old microscopes write .XML, .JSON, .ROI and .TXT."""
    write_annotations(_set("a.png", "b.png"), tmp_path, format=name)
    expected = _counts(read_annotations(tmp_path, _index("a.png", "b.png")))
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        path.rename(path.with_suffix(path.suffix.upper()))
    conversion = read_annotations(tmp_path, _index("a.png", "b.png"))
    assert conversion.source_format == name
    assert _counts(conversion) == expected


@pytest.mark.parametrize("name", OF_ANY_CASE)
def test_every_format_is_read_from_folders_in_capitals(name: str, tmp_path: Path) -> None:
    write_annotations(_set("images/train/a.png", "images/valid/b.png"), tmp_path, format=name)
    expected = _counts(read_annotations(tmp_path, _index("images/train/a.png", "images/valid/b.png")))
    for path in sorted((path for path in tmp_path.rglob("*") if path.is_dir()), reverse=True):
        path.rename(path.with_name(path.name.title()))
    conversion = read_annotations(tmp_path, _index("Images/Train/a.png", "Images/Valid/b.png"))
    assert conversion.source_format == name
    assert list(_counts(conversion).values()) == list(expected.values())
    assert conversion.annotations.images["split"].to_pylist() == ["train", "val"]


def _coco(folder: Path, *names: str, size: tuple[int, int] = (20, 16)) -> None:
    boxes = [{"id": i, "image_id": i, "category_id": 1, "bbox": [1, 1, 5, 5]} for i in range(len(names))]
    images = [{"id": i, "file_name": name, "width": size[0], "height": size[1]} for i, name in enumerate(names)]
    content = {"images": images, "categories": [{"id": 1, "name": "cell"}], "annotations": boxes}
    (folder / "a.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("said", "image", "remark"),
    [
        (unicodedata.normalize("NFC", "Zélle_ü.png"), unicodedata.normalize("NFD", "Zélle_ü.png"), ""),
        (unicodedata.normalize("NFD", "Zélle_ü.png"), unicodedata.normalize("NFC", "Zélle_ü.png"), ""),
        ("film.png", "film.ome.tif", ""),
        ("film.ome.tiff", "film.tif", ""),
        ("img_1.jpg", "Img_1.JPG", "capitals don't count"),
        ("ÉTÉ.png", unicodedata.normalize("NFD", "été.png"), "capitals don't count"),
        ("my%20cells%2B1.png", "my cells+1.png", "percent signs"),
        ("50%.png", "50%.png", ""),
        ("50%25.png", "50%.png", "percent signs"),
    ],
)
def test_an_image_is_matched_and_what_differs_is_said(said: str, image: str, remark: str, tmp_path: Path) -> None:
    _coco(tmp_path, said)
    conversion = read_annotations(tmp_path, _index(image, "other.png"), unlabelled="background")
    assert list(conversion.annotations.counts().sum(axis=1)) == [1, 0]
    reasons = [f.reason for f in conversion.findings if not f.reason.startswith("image without label")]
    assert len(reasons) == bool(remark)
    assert all(remark in reason for reason in reasons)


def test_capitals_count_where_two_images_differ_by_them_only(tmp_path: Path) -> None:
    _coco(tmp_path, "a.png")
    assert _counts(read_annotations(tmp_path, _index("a.png", "A.png"))) == {"a.png": 1}
    _coco(tmp_path, "aB.png")
    assert _counts(read_annotations(tmp_path, _index("ab.png", "Ab.png"))) == {}


def test_a_label_belongs_to_the_large_page_of_a_scan_with_a_thumbnail(tmp_path: Path) -> None:
    scan = [ImageRecord("a.tif/scene 0", 400, 300), ImageRecord("a.tif/scene 1", 50, 38)]
    _coco(tmp_path, "a.tif", size=(400, 300))
    conversion = read_annotations(tmp_path, ImageIndex(scan))
    assert _counts(conversion) == {"a.tif/scene 0": 1}
    assert any("taken for the largest" in f.reason for f in conversion.findings)
    alike = [ImageRecord("a.tif/scene 0", 400, 300), ImageRecord("a.tif/scene 1", 400, 300)]
    assert _counts(read_annotations(tmp_path, ImageIndex(alike))) == {}


def test_a_label_picture_finds_its_image_by_another_case_and_accents(tmp_path: Path) -> None:
    labels = np.zeros((16, 20), np.uint8)
    labels[2:5, 2:5], labels[9:12, 9:12] = 1, 2
    (tmp_path / "Masks").mkdir()
    write_raster(labels, tmp_path / "Masks" / unicodedata.normalize("NFD", "zélle_Mask.png"))
    conversion = read_annotations(tmp_path, _index("Images/Zélle.png"))
    assert _counts(conversion) == {"Images/Zélle.png": 2}
    assert any("capitals don't count" in f.reason for f in conversion.findings)


def _images_of(folder: Path) -> ImageIndex:
    """Return the images below a case's folder as the conversion knows them."""
    from cell_pipelines.imaging.reading import list_image_files

    infos = {name: file.info() for name, file in list_image_files(folder).items()}
    return ImageIndex(ImageRecord(name, info.width, info.height) for name, info in infos.items())


@with_cases
@pytest.mark.parametrize(
    ("case", "images", "labels", "objects"),
    [
        *((f"upper_case_endings/{kind}", "images", "labels", 1) for kind in ("roi", "coco", "voc", "yolo")),
        ("capital_folders/yolo", "", "", 2),
        ("capital_folders/masks", "Images", "", 2),
        ("capital_folders/masks", "Images", "Masks", 2),
        *((f"image_names/{kind}", "images", "labels", 1) for kind in ("nfd", "ome", "case")),
        ("tiff_with_second_small_page", "images", "labels", 1),
    ],
)
def test_the_cases_are_read(case: str, images: str, labels: str, objects: int) -> None:
    conversion = read_annotations(CASES / case / labels, _images_of(CASES / case / images))
    assert conversion.annotations.n_objects == objects


def test_a_name_that_is_no_utf_8_is_read_as_latin_1(tmp_path: Path) -> None:
    _coco(tmp_path, "zélle.png")
    (tmp_path / "a.json").rename(tmp_path / "z\udce9.json")
    assert _counts(read_annotations(tmp_path, _index("zélle.png"))) == {"zélle.png": 1}
    (tmp_path / "labels").mkdir()
    write_raster(np.eye(16, 20, dtype=np.uint8) * 2, tmp_path / "labels" / "b\udce9.png")
    conversion = read_annotations(tmp_path, _index("bé.png"), format="label_image")
    assert _counts(conversion) == {"bé.png": 1}
