"""A mistake in what a person trains on is one sentence before anything is written."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from cell_pipelines.commands import cli
from cell_pipelines.own_study import OwnStudy, check_model, name_study

from .own_fields import write_boxes, write_fields


@pytest.fixture(autouse=True)
def _working_folder(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("KEDRO_LOGGING_CONFIG", "kept as it is")
    monkeypatch.delenv("CELL_DATA_ROOT", raising=False)


def refuse(*words):
    """Return the one sentence that a mistake ends in; nothing may have been written."""
    result = CliRunner().invoke(cli, ["train", *map(str, words)])
    assert result.exit_code == 2, result.output
    assert list(Path.cwd().iterdir()) == []
    return result.output.removeprefix("Error: ").strip()


def test_names_that_do_not_match_are_shown_from_both_sides(tmp_path):
    images, masks = write_fields(tmp_path, mask="cell_mask_of_{:02d}_by_anna")
    said = refuse("--images", images, "--annotations", masks)
    assert "00.png" in said
    assert "cell_mask_of_00_by_anna.png" in said


def test_no_annotations_at_all(tmp_path):
    images, _ = write_fields(tmp_path)
    (tmp_path / "nothing").mkdir()
    assert "found no annotations" in refuse("--images", images, "--annotations", tmp_path / "nothing")


def test_folders_that_are_not_there(tmp_path):
    images, masks = write_fields(tmp_path)
    assert "/not/here: expected a folder with images; there is no not in /." in refuse(
        "--images", "/not/here", "--annotations", masks
    )
    assert "there is no not here in" in refuse("--images", images, "--annotations", tmp_path / "not here")


def test_no_image_in_the_folder(tmp_path):
    _, masks = write_fields(tmp_path)
    (tmp_path / "empty").mkdir()
    assert "image" in refuse("--images", tmp_path / "empty", "--annotations", masks)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_images(tmp_path, count):
    images, masks = write_fields(tmp_path, count)
    assert "at least 3 annotated images are needed" in refuse("--images", images, "--annotations", masks)


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    images, masks = write_fields(tmp_path)
    data = (images / "03.png").read_bytes()
    (images / "03.png").write_bytes(data[: len(data) // 2])
    said = refuse("--images", images, "--annotations", masks)
    assert said.startswith("one image of 6 can't be read")
    assert "03.png" in said


def test_boxes_for_a_network_that_learns_outlines(tmp_path):
    images, boxes = write_boxes(tmp_path)
    said = refuse("--images", images, "--annotations", boxes, "--model", "stardist")
    assert "stardist learns from outlines (masks or polygons), but the annotations are 36 boxes" in said


def test_labels_without_any_cell(tmp_path):
    images, boxes = write_boxes(tmp_path)
    for path in boxes.iterdir():
        path.write_text("")
    assert "cell" in refuse("--images", images, "--annotations", boxes, "--format", "yolo")


def test_a_misspelt_model_gets_the_nearest(tmp_path):
    images, masks = write_fields(tmp_path)
    said = refuse("--images", images, "--annotations", masks, "--model", "stardst")
    assert said.startswith("there is no model `stardst`. Did you mean `stardist`?")
    assert check_model("unetpp") == "unetpp"


def test_a_misspelt_option_gets_the_nearest(tmp_path):
    assert "--images" in refuse("--image", tmp_path)


def test_images_and_annotations_are_needed(tmp_path):
    assert "--annotations" in refuse("--images", tmp_path)


def test_no_minutes(tmp_path):
    assert "--minutes" in refuse("--images", tmp_path, "--annotations", tmp_path, "--minutes", "0")


def test_a_name_that_is_none_for_a_folder(tmp_path):
    for name in ("../x", "", "base", "a b"):
        assert "`--name` must be" in refuse("--images", tmp_path, "--annotations", tmp_path, "--name", name)


def test_nothing_to_continue():
    assert "there is no study `mine` to continue" in refuse("--continue", "--name", "mine")
    assert "--name" in refuse("--continue")


def test_a_study_that_is_there_is_not_written_over(tmp_path):
    images, masks = write_fields(tmp_path)
    (Path.cwd() / "conf" / "mine").mkdir(parents=True)
    result = CliRunner().invoke(cli, ["train", "--images", str(images), "--annotations", str(masks), "--name", "mine"])
    assert result.exit_code == 2
    assert "a study `mine` is there already; `--continue` goes on with it" in result.output
    assert [path.name for path in Path.cwd().iterdir()] == ["conf"]


def test_a_study_is_called_by_the_folder_that_says_something():
    assert name_study(Path("/data/My cells 2/images")) == "my_cells_2"
    assert name_study(Path("/images")) == "my_study"
    assert name_study(Path("/data/hela")) == "hela"
    assert name_study(Path("/conf/base/images")) == "conf"


def test_a_project_above_the_working_folder_is_used(tmp_path, monkeypatch):
    OwnStudy("mine", tmp_path).write_project()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert OwnStudy("mine", None).project == tmp_path
    assert OwnStudy("mine", tmp_path / "work" / "other").project == tmp_path / "work" / "other"


def test_images_of_one_field_only_are_refused_with_an_example(tmp_path):
    images, masks = write_fields(tmp_path, 1, size=256)
    image, labels = (cv2.imread(str(f / "00.png"), cv2.IMREAD_UNCHANGED) for f in (images, masks))
    for number in range(1, 4):
        cv2.imwrite(str(images / f"{number:02d}.png"), np.rot90(image, number))
        cv2.imwrite(str(masks / f"{number:02d}.png"), np.rot90(labels, number))
    said = refuse("--images", images, "--annotations", masks)
    assert "can't be divided into training, validation and test" in said
