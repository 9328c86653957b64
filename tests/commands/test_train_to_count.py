"""From own masks to a model, its report and counts of new images; a training that was ended goes on."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pandas as pd
import pytest
from click.testing import CliRunner

from cell_pipelines.commands import cli
from cell_pipelines.own_study import OwnStudy

from .own_fields import draw_field, write_fields


@pytest.fixture(autouse=True)
def _working_folder(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("KEDRO_LOGGING_CONFIG", "kept as it is")
    monkeypatch.delenv("CELL_DATA_ROOT", raising=False)


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
    new = tmp_path / "new"
    new.mkdir()
    for number in (20, 21):
        cv2.imwrite(str(new / f"{number}.png"), draw_field(number)[0])
    counted = call("count", str(new), "--model", str(model), "--out", "counted")
    assert any("cells in 2 images, found by resunet" in line for line in counted)
    counts = pd.read_csv("counted/counts.csv")
    assert len(counts) == 2
    assert counts["error"].isna().all()
