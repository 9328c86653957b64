"""Mask files: one picture per cell, overlaps kept, each damaged one named."""

from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.annotations.formats import binary_mask, instance_channel, label_image
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.mask_files import detect, read
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _mask(x: int, y: int) -> np.ndarray:
    mask = np.zeros((8, 10), np.uint8)
    mask[y : y + 4, x : x + 4] = 255
    return mask


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two overlapping cells of the image ab, in the layout of the Data Science Bowl."""
    write_raster(_mask(0, 0), tmp_path / "ab" / "images" / "ab.png")
    write_raster(_mask(0, 0), tmp_path / "ab" / "masks" / "x1.png")
    write_raster(_mask(2, 2), tmp_path / "ab" / "masks" / "x2.png")
    return tmp_path


@pytest.mark.parametrize("name", ["ab/images/ab.png", "ab.tif", "images/ab.tif"])
def test_every_mask_is_an_object_of_its_image(name: str, source: Path) -> None:
    assert detect(source) == "ab/masks holds the masks of the cells of one image"
    assert not [k.__name__ for k in (label_image, binary_mask, instance_channel) if k.detect(source)]
    conversion = read(source, ImageIndex([ImageRecord(name, 10, 8)]), category="nucleus")
    assert not conversion.findings
    assert conversion.annotations.names == [name]
    assert conversion.annotations.boxes.tolist() == [[0, 0, 4, 4], [2, 2, 6, 6]]


def test_damaged_empty_and_wrong_masks_are_named(source: Path) -> None:
    (source / "ab" / "masks" / "x3.png").write_bytes(b"text")
    write_raster(_mask(0, 0) * 0, source / "ab" / "masks" / "x4.png")
    write_raster(_mask(0, 0)[:5], source / "ab" / "masks" / "x5.png")
    conversion = read(source, ImageIndex([ImageRecord("ab.png", 10, 8)]))
    conversion.check()
    assert (conversion.objects_in, conversion.annotations.n_objects) == (5, 2)
    reasons = {f.file: f.reason for f in conversion.findings}
    assert "expected a whole PNG" in reasons["ab/masks/x3.png"]
    assert "the mask is empty" in reasons["ab/masks/x4.png"]
    assert "10x5 pixels, its image 10x8" in reasons["ab/masks/x5.png"]


def test_an_image_of_which_no_mask_can_be_read_is_left_out(source: Path) -> None:
    for path in (source / "ab" / "masks").iterdir():
        path.write_bytes(b"text")
    conversion = read(source, ImageIndex([ImageRecord("ab.png", 10, 8)]))
    assert (conversion.annotations.n_images, conversion.objects_dropped) == (0, 2)


@pytest.mark.parametrize("index", [ImageIndex([]), ImageIndex([ImageRecord("b.png", 9, 9)], damaged=["ab.png"])])
def test_masks_without_image_are_listed(index: ImageIndex, source: Path) -> None:
    conversion = read(source, index)
    conversion.check()
    assert (conversion.objects_in, conversion.annotations.n_objects) == (2, 0)
    assert any(f.file == "ab/masks" and f.action == "skipped" for f in conversion.findings)


def test_a_folder_of_masks_that_is_a_link_is_not_looked_into(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other" / "cd"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "cd.png").write_bytes(b"")
    (folder / "masks").symlink_to(source / "ab" / "masks")
    assert detect(folder.parent) is None
    assert read(folder.parent, ImageIndex([ImageRecord("cd.png", 10, 8)])).objects_in == 0
