"""Own images are planned and trained on by one command; a mistake is one sentence before anything is written."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cell_pipelines.commands import cli
from cell_pipelines.own_images import read_own_images
from cell_pipelines.own_study import OwnStudy, check_model, name_study
from cell_pipelines.workflows.planning.pixels import choose_colour


@pytest.fixture(autouse=True)
def _working_folder(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("KEDRO_LOGGING_CONFIG", "kept as it is")
    monkeypatch.delenv("CELL_DATA_ROOT", raising=False)


def draw_field(number, size=64, cells=6):
    """Return an image (size, size) uint8 and its labels, uint16, with round cells that touch nothing."""
    generator = np.random.default_rng(number)
    image = generator.normal(30, 5, (size, size))
    labels = np.zeros((size, size), np.uint16)
    places = generator.permutation(9)[:cells]
    for label, place in enumerate(places.tolist(), start=1):
        row, column = (size // 6 + p * size // 3 for p in divmod(place, 3))
        disc = np.hypot(*np.ogrid[-row : size - row, -column : size - column]) < generator.uniform(5, 8)
        image[disc] += generator.uniform(80, 150)
        labels[disc] = label
    return np.clip(image, 0, 255).astype(np.uint8), labels


def write_fields(folder, count=6, *, mask="{:02d}", **options):
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        image, labels = draw_field(number, **options)
        cv2.imwrite(str(folder / "images" / f"{number:02d}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"{mask.format(number)}.png"), labels)
    return folder / "images", folder / "masks"


def write_boxes(folder, count=6):
    images, masks = write_fields(folder, count)
    boxes = folder / "boxes"
    boxes.mkdir()
    for path in masks.iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        lines = []
        for label in range(1, int(labels.max()) + 1):
            rows, columns = np.nonzero(labels == label)
            x, y, w, h = columns.mean(), rows.mean(), np.ptp(columns) + 1, np.ptp(rows) + 1
            lines.append("0 " + " ".join(f"{value / 64:.4f}" for value in (x, y, w, h)))
        (boxes / f"{path.stem}.txt").write_text("\n".join(lines))
    return images, boxes


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
    assert "expected a folder with images; there is none" in refuse("--images", "/not/here", "--annotations", masks)
    assert "none is there" in refuse("--images", images, "--annotations", tmp_path / "not here")


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


def test_facts_are_those_of_images_and_annotations(tmp_path):
    images, masks = write_fields(tmp_path, 10)
    (masks / "09.png").unlink()
    own = read_own_images(images, masks)
    assert (own.facts.images, own.facts.not_annotated) == (9, 1)
    assert own.facts.geometries == {"mask": 54}
    assert own.facts.sizes == ((64, 64),)
    assert 10 < own.facts.diameters.median < 16
    assert sum(side.images for side in own.facts.sides.values()) == 9
    assert min(side.images for side in own.facts.sides.values()) >= 1
    assert own.splits is None


def test_a_stated_split_without_validation_is_completed_from_the_training_images(tmp_path):
    for split, numbers in (("train", range(8)), ("test", range(8, 12))):
        for name in ("images", "masks"):
            (tmp_path / name / split).mkdir(parents=True)
        for number in numbers:
            image, labels = draw_field(number)
            cv2.imwrite(str(tmp_path / "images" / split / f"{number:02d}.png"), image)
            cv2.imwrite(str(tmp_path / "masks" / split / f"{number:02d}.png"), labels)
    own = read_own_images(tmp_path / "images", tmp_path / "masks")
    assert own.splits is not None
    sides = own.splits.set_index("image")["split"]
    assert all((side == "test") == name.startswith("test/") for name, side in sides.items())
    assert set(sides) == {"train", "val", "test"}


def test_images_of_one_field_only_are_refused_with_an_example(tmp_path):
    images, masks = write_fields(tmp_path, 1, size=256)
    image, labels = (cv2.imread(str(f / "00.png"), cv2.IMREAD_UNCHANGED) for f in (images, masks))
    for number in range(1, 4):
        cv2.imwrite(str(images / f"{number:02d}.png"), np.rot90(image, number))
        cv2.imwrite(str(masks / f"{number:02d}.png"), np.rot90(labels, number))
    said = refuse("--images", images, "--annotations", masks)
    assert "can't be divided into training, validation and test" in said


@pytest.mark.parametrize(
    ("model", "parameter"), [("yolo", "yolo.resume"), ("yolo_seg", "yolo_seg.resume"), ("unet", "segmentation.resume")]
)
def test_what_is_continued_is_the_same_run_of_kedro_that_resumes(tmp_path, monkeypatch, model, parameter):
    study = OwnStudy("mine", None)
    study.write_project()
    study.conf.mkdir()
    (study.data / "08_reporting").mkdir(parents=True)
    (study.data / "08_reporting" / "split_summary.csv").write_text("split,images\ntrain,7\ntest,4\n")
    (study.conf / "globals.yml").write_text(f"models: [{model}]\n")
    called = []
    monkeypatch.setattr("cell_pipelines.own_study._run_kedro", lambda project, words: called.append((project, words)))
    result = CliRunner().invoke(cli, ["train", "--continue", "--name", "mine"])
    assert result.exit_code == 0, result.output
    assert "4 test images are too few to say how good the model is" in result.output
    pipelines = f"--pipelines=train_{model},evaluation,reporting"
    assert called == [(Path.cwd(), ["--env=mine", pipelines, f"--params={parameter}=true"])]


@pytest.mark.parametrize("channels", [3, 4])
def test_grey_images_stored_as_colours_are_grey_and_one_colour_makes_the_difference(tmp_path, channels):
    images, masks = write_fields(tmp_path)
    for path in images.iterdir():
        grey = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        alpha = [np.full_like(grey, 255)] * (channels - 3)
        cv2.imwrite(str(path), np.dstack([grey, grey, grey, *alpha]))
    facts = read_own_images(images, masks).facts
    assert (facts.are_grey, facts.channels) == (True, (3,))
    assert choose_colour(facts).value == "grey"
    coloured = cv2.imread(str(images / "03.png"))
    coloured[0, 0] = (1, 2, 3)
    cv2.imwrite(str(images / "03.png"), coloured)
    assert choose_colour(read_own_images(images, masks).facts).value == "rgb"


def test_round_cells_are_rounder_than_rods_whatever_their_direction(tmp_path):
    def facts_of(name, width, slope):
        (tmp_path / name / "images").mkdir(parents=True)
        (tmp_path / name / "masks").mkdir()
        for number in range(4):
            image, labels = draw_field(number)
            rows, columns = np.mgrid[-32:32, -32:32]
            across, along = rows - slope * columns, columns + slope * rows
            labels = (np.hypot(across / width, along / 24) < np.hypot(1, slope)).astype(np.uint16)
            cv2.imwrite(str(tmp_path / name / "images" / f"{number}.png"), image)
            cv2.imwrite(str(tmp_path / name / "masks" / f"{number}.png"), labels)
        return read_own_images(tmp_path / name / "images", tmp_path / name / "masks").facts

    assert facts_of("discs", 24, 0).roundness == pytest.approx(1, abs=0.03)
    assert facts_of("rods", 6, 0).roundness == pytest.approx(0.5, abs=0.03)
    assert facts_of("slanted", 6, 1).roundness < 0.71


@pytest.mark.slow
def test_from_own_masks_to_a_model_and_its_report_in_an_empty_folder(tmp_path):
    images, masks = write_fields(tmp_path / "ünser Labor, 1")
    command = [sys.executable, "-m", "cell_pipelines"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("KEDRO_LOGGING_CONFIG")

    def call(*words):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    own = ("--images", str(images), "--annotations", str(masks), "--name", "mine")
    told = call("train", *own, "--minutes", "0.02", "--model", "resunet")
    last = told[-8:]
    assert any("F1" in line and "test image" in line for line in last)
    model = Path("data/mine/06_models/resunet.pt").absolute()
    assert told[-1] == f"Count new images: cell-pipelines count NEW_IMAGES --model {model}"
    page = Path("data/mine/08_reporting/report.html").read_text(encoding="utf-8")
    assert "What was chosen and why" in page
    assert pd.read_csv("data/mine/01_raw/plan.csv")["what"].tolist()[0] == "Data"
