"""Masks coloured by object and by class, with a list of colours."""

import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import detect_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[3] / ".." / "shared" / "cases"))
ONE = ImageIndex([ImageRecord("JPEGImages/a.png", 40, 30)])
LABEL_MAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nlive:250,50,83::\ndead:0,128,0::\n"


def _picture(*areas: tuple[tuple[int, int, int], tuple[int, int]]) -> NDArray[np.uint8]:
    picture = np.zeros((30, 40, 3), np.uint8)
    for colour, (x, y) in areas:
        picture[y : y + 5, x : x + 6] = colour
    return picture


def _write(folder: Path, objects: NDArray[np.uint8], classes: NDArray[np.uint8], text: str = LABEL_MAP) -> None:
    (folder / "labelmap.txt").write_text(text)
    for kind, picture in (("SegmentationObject", objects), ("SegmentationClass", classes)):
        (folder / kind).mkdir(exist_ok=True)
        PIL.Image.fromarray(picture).save(folder / kind / "a.png")


def test_objects_that_touch_are_told_by_their_colours_and_have_the_class_of_theirs(tmp_path: Path) -> None:
    objects = _picture(((1, 2, 3), (4, 4)), ((9, 9, 9), (10, 4)))
    classes = _picture(((250, 50, 83), (4, 4)), ((0, 128, 0), (10, 4)))
    _write(tmp_path, objects, classes)
    assert detect_format(tmp_path) == ("voc_masks", "labelmap.txt stands beside SegmentationObject")
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.annotations.boxes.tolist() == [[4, 4, 10, 9], [10, 4, 16, 9]]
    assert [conversion.annotations.categories[c] for c in conversion.annotations.category] == ["live", "dead"]
    assert not conversion.findings


def test_the_border_of_voc_is_background_and_a_colour_of_no_class_is_dropped(tmp_path: Path) -> None:
    objects = _picture(((224, 224, 192), (4, 4)), ((9, 9, 9), (10, 4)))
    classes = _picture(((224, 224, 192), (4, 4)), ((7, 7, 7), (10, 4)))
    _write(tmp_path, objects, classes)
    conversion = read_annotations(tmp_path, ONE)
    assert (conversion.annotations.n_objects, conversion.objects_dropped) == (0, 1)
    assert "colour 070707 in SegmentationClass is that of no class" in conversion.findings[0].reason


def test_pictures_with_a_palette_are_read_by_its_colours(tmp_path: Path) -> None:
    _write(tmp_path, _picture(((1, 2, 3), (4, 4))), _picture(((250, 50, 83), (4, 4))))
    for kind in ("SegmentationObject", "SegmentationClass"):
        with PIL.Image.open(tmp_path / kind / "a.png") as picture:
            indexed = picture.convert("P", palette=PIL.Image.Palette.ADAPTIVE, colors=4)
        indexed.save(tmp_path / kind / "a.png")
    assert read_annotations(tmp_path, ONE).annotations.boxes.tolist() == [[4, 4, 10, 9]]


def test_pictures_of_another_size_damaged_or_missing_leave_the_image_out(tmp_path: Path) -> None:
    _write(tmp_path, _picture(((1, 2, 3), (4, 4))), _picture(((250, 50, 83), (4, 4)))[:20])
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.annotations.n_images == 0
    assert conversion.findings[0].reason == "the picture has 40x20 pixels, its image 40x30."
    for content in (b"no picture", None):
        path = tmp_path / "SegmentationClass" / "a.png"
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        assert read_annotations(tmp_path, ONE).annotations.n_images == 0


def test_masks_are_not_their_own_images(tmp_path: Path) -> None:
    _write(tmp_path, _picture(((1, 2, 3), (4, 4))), _picture(((250, 50, 83), (4, 4))))
    names = ("JPEGImages/a.png", "SegmentationClass/a.png", "SegmentationObject/a.png")
    conversion = read_annotations(tmp_path, ImageIndex(ImageRecord(name, 40, 30) for name in names))
    assert conversion.annotations.names == ["JPEGImages/a.png"]


def test_a_list_of_colours_that_is_none_is_an_error(tmp_path: Path) -> None:
    picture = _picture(((1, 2, 3), (4, 4)))
    for text in ("live\n", "live:1,2\n", "live:1,2,3::\ndead:1,2,3::\n"):
        _write(tmp_path, picture, picture, text)
        with pytest.raises(AnnotationFormatError, match=r"labelmap\.txt: line \d: expected name:red,green,blue"):
            read_annotations(tmp_path, ONE)
    (tmp_path / "labelmap.txt").unlink()
    [finding, _] = read_annotations(tmp_path, ONE, format="voc_masks").findings
    assert finding.reason.startswith("expected a file labelmap.txt beside a folder SegmentationObject")


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
def test_strangers_segmentation_masks_of_cvat_are_35_cells() -> None:
    folder = CASES / "formats" / "formats_without_a_hint" / "cvat_segmentation_mask"
    conversion = read_annotations(folder, ImageIndex([ImageRecord("JPEGImages/a.png", 160, 120)]))
    assert conversion.annotations.n_objects == 35
    assert conversion.annotations.categories == ("cell",)
