"""A YOLO with masks from generated fields to thresholds, numbers of masks and boxes, and cells of new images."""

import json

import pandas as pd
import pytest

from cell_pipelines.annotations.schema import GEOMETRIES
from cell_pipelines.annotations.storage import read_parquet

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]


@pytest.fixture(scope="module")
def study_run(tmp_path_factory):
    from .conftest import Project

    project = Project(tmp_path_factory.mktemp("yolo_seg"))
    project.run("sample_data")
    project.run("train_yolo_seg", models="yolo_seg")
    # After one epoch no score is high, but every proposal has its mask.
    project.run("evaluation", models="yolo_seg", inference={"mask_confidence": 0.0, "confidence": 0.0})
    return project


def geometries(annotations):
    return {GEOMETRIES[code] for code in annotations.objects["geometry"].to_numpy()}


def test_masks_are_learnt_predicted_and_evaluated_beside_boxes(study_run):
    history = pd.read_csv(study_run.path("08_reporting", "yolo_seg", "history.csv"))
    assert {"val_ap50", "val_mask_ap50", "train_seg_loss"} <= set(history.columns)
    predictions = read_parquet(study_run.path("07_model_output", "yolo_seg", "predictions"))
    assert predictions.n_objects > 0
    assert geometries(predictions) == {"mask"}
    everything = pd.read_csv(study_run.path("08_reporting", "yolo_seg", "evaluation_classes.csv")).iloc[-1]
    assert everything[["dice", "instance_f1", "ap50", "f1"]].notna().all()


def test_new_images_get_masks_above_the_stored_thresholds(study_run, tmp_path):
    source = study_run.path("01_raw", "images")
    first = sorted(source.rglob("*.png"))[0]
    (tmp_path / first.name).write_bytes(first.read_bytes())
    model = str(study_run.path("06_models", "yolo_seg.pt"))
    study_run.run("prediction", images=str(tmp_path), model=model)
    table = pd.read_csv(study_run.path("08_reporting", "new", "counts.csv"))
    assert json.loads(table["thresholds"][0]).keys() == {"blue", "red"}
    cells = read_parquet(study_run.path("07_model_output", "new", "predictions"))
    assert geometries(cells) <= {"mask"}
    assert table["total"].tolist() == [cells.n_objects]


def test_the_labels_are_outlines_and_what_changed_is_listed(study_run):
    folder = study_run.path("05_model_input", "yolo_seg")
    lines = [line for path in folder.joinpath("labels").rglob("*.txt") for line in path.read_text().splitlines()]
    truth = read_parquet(study_run.path("03_primary", "annotations"))
    assert len(lines) == truth.n_objects
    assert min(len(line.split()) for line in lines) > 6
    assert list(pd.read_csv(folder / "findings.csv").columns)[:3] == ["file", "entry", "action"]
