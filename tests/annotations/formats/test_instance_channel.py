"""Instances in one channel: a number used again elsewhere is another cell, unless a table says otherwise."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from cell_pipelines.annotations.formats import label_image
from cell_pipelines.annotations.formats.instance_channel import detect, read
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

INDEX = ImageIndex([ImageRecord("images/a.tif", 10, 8)])


def _write(path: Path, channel: int = 0, opacity: int = 255) -> None:
    picture = np.zeros((8, 10, 4), np.uint8)
    picture[1:3, 1:4, channel], picture[1:3, 4:6, channel], picture[6, 6, channel] = 1, 2, 1
    picture[7, 7, channel], picture[..., 3] = 1, opacity
    path.parent.mkdir(exist_ok=True)
    PIL.Image.fromarray(picture).save(path)


def test_each_connected_piece_of_a_number_is_a_cell(tmp_path: Path) -> None:
    _write(tmp_path / "masks" / "a.png")
    assert detect(tmp_path)
    assert label_image.detect(tmp_path) is None
    boxes = read(tmp_path, INDEX).annotations.boxes.tolist()
    assert sorted(boxes) == [[1, 1, 4, 3], [4, 1, 6, 3], [6, 6, 8, 8]]
    assert read(tmp_path, INDEX, connectivity=4).annotations.n_objects == 4


def test_another_channel_may_hold_the_numbers(tmp_path: Path) -> None:
    _write(tmp_path / "masks" / "a.png", channel=2)
    assert read(tmp_path, INDEX).annotations.n_objects == read(tmp_path, INDEX, channel=2).annotations.n_objects == 3
    asked = read(tmp_path, INDEX, channel=0)
    assert asked.annotations.n_objects == 0
    assert [f.action for f in asked.findings] == ["suspect"]
    with pytest.raises(ValueError, match="`channel` must be 0, 1 or 2"):
        read(tmp_path, INDEX, channel=3)


def test_grey_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    PIL.Image.fromarray(np.eye(8, 10, dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    assert detect(tmp_path) is None
    conversion = read(tmp_path, INDEX)
    assert conversion.annotations.n_images == 0
    assert any("expected a colour picture" in f.reason for f in conversion.findings)


def test_colour_photographs_are_no_instances(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 10, 3), np.uint8)).save(tmp_path / "masks/a.png")
    assert detect(tmp_path) is None
