"""What is no field of cells of its own enters no total, and it is said."""

import shutil

import cv2
import numpy as np
import pytest

from cell_pipelines.api import count
from cell_pipelines.imaging.reading import write_image
from cell_pipelines.workflows.left_out import are_related


def _noisy(image, seed):
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def cells(tmp_path, squares_image):
    """Give a folder with images of one, two and three cells, as a camera takes them."""
    for n in (1, 2, 3):
        write_image(_noisy(squares_image(n), n), tmp_path / "cells" / f"field_{n}.tif")
    return tmp_path / "cells"


def _jpeg(image, path):
    path.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())


def _add(kind, folder, image):
    """Put something beside an image that holds no further cells."""
    if kind == "a mask":
        write_image((image > 100).astype(np.uint8) * np.uint8(255), folder / "field_3_mask.png")
    elif kind == "a label image":
        _, labels = cv2.connectedComponents((image > 100).astype(np.uint8))
        write_image(labels.astype(np.uint16), folder / "segmentation.tif")
    elif kind == "a mask with loss":
        _jpeg((image > 100).astype(np.uint8) * np.uint8(255), folder / "m.jpg")
    elif kind == "a thumbnail":
        write_image(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA), folder / "small.png")
    elif kind == "another format":
        _jpeg(image, folder / "field_3.jpg")
    elif kind == "a copy":
        shutil.copy(folder / "field_3.tif", folder / "zz.tif")
    else:
        drawn = np.dstack([image] * 3)
        drawn[image > 200] = (255, 180, 180)
        write_image(drawn, folder / "field_3_overlay.png")


KINDS = ("a mask", "a label image", "a mask with loss", "a thumbnail", "another format", "a copy", "an overlay")


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_beside_an_image_and_holds_no_cells_of_its_own_enters_no_total(
    kind, cells, squares_image, squares_model
):
    alone = count(cells, squares_model)
    assert alone.table["total"].tolist() == [1, 2, 3]
    _add(kind, cells, _noisy(squares_image(3), 3))
    result = count(cells, squares_model)
    assert result.table["total"].sum() == 6 and result.cells.equals(alone.cells)
    assert repr(result).startswith("6 cells in 3 images, found by squares; 1 image left out.")
    left_out = result.table[result.table["left_out"] != ""]
    assert len(left_out) == 1 and left_out["total"].isna().all()
    assert left_out["left_out"].iloc[0].startswith("not counted, since it looks like")
    assert "Images left out" in result.page()


def test_what_an_earlier_count_drew_enters_no_total(cells, squares_model):
    count(cells, squares_model, out=cells.parent / "counts_cells")
    result = count(cells.parent, squares_model)
    assert result.table["total"].sum() == 6
    assert "since it lies among the results of an earlier count" in result.table["left_out"].iloc[-1]


def test_masks_that_are_all_there_is_are_counted_with_a_warning(tmp_path, squares_image, squares_model):
    for n in (1, 2):
        write_image(squares_image(n), tmp_path / f"{n}.png")
    table = count(tmp_path, squares_model).table
    assert table["total"].tolist() == [1, 2]
    assert table["warning"].str.contains("looks like a mask or label image").all()


def test_frames_of_a_film_are_counted_and_their_likeness_is_said(tmp_path, squares_image, squares_model):
    for n in range(3):
        write_image(_noisy(squares_image(4), n), tmp_path / f"t{n:03d}.png")
    table = count(tmp_path, squares_model).table
    assert table["total"].tolist() == [4, 4, 4]
    assert table["warning"].str.contains("looks the same as another").tolist() == [False, True, True]


def test_arrays_are_all_counted(squares_image, squares_model):
    image = _noisy(squares_image(2), 0)
    table = count([image, image, squares_image(1)], squares_model).table
    assert table["total"].tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [("a.tif", "b/a.png", True), ("a.tif", "a (copy).tif", True), ("a.tif", "A_Overlay.png", True),
     ("preview-a.jpg", "a.tif", True), ("a_1.tif", "a_2.tif", False), ("a.tif", "a_001.tif", False),
     ("a1.tif", "a10.tif", False), ("a.tif", "ab.tif", False), ("a.tif", "a_z2.tif", False)],
)  # fmt: skip
def test_names_are_related_by_a_word_and_not_by_a_number(one, other, related, tmp_path):
    assert are_related(tmp_path / one, tmp_path / other) is related
    assert are_related(tmp_path / other, tmp_path / one) is related
