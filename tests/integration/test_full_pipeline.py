import json
import re

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.annotations.storage import read_parquet

pytestmark = pytest.mark.slow


def test_the_report_is_one_file_that_loads_nothing_from_outside(whole_road):
    page = whole_road.path("08_reporting", "yolo", "report.html").read_text()
    assert "Test AP50" in page
    assert not re.search(r"""(src|href)=["']https?:""", page)


def test_every_object_is_accounted_for(whole_road):
    row = pd.read_csv(whole_road.path("08_reporting", "conversion_summary.csv")).iloc[0]
    assert row["objects_in"] == row["objects_out"] + row["objects_dropped"]
    fields = pd.read_csv(whole_road.path("01_raw", "fields.csv"))
    assert row["objects_in"] == fields["nuclei"].sum() + fields["dead"].sum()


def test_no_series_is_on_two_sides(whole_road):
    images = read_parquet(whole_road.path("03_primary", "annotations")).images.to_pandas()
    assert (images.groupby("group")["split"].nunique() == 1).all()
    assert set(images["split"]) == {"train", "val", "test"}


def test_predictions_hold_scores_for_validation_and_test_only(whole_road):
    predictions = read_parquet(whole_road.path("07_model_output", "yolo", "predictions"))
    assert set(predictions.images["split"].to_pylist()) == {"val", "test"}
    assert not np.isnan(predictions.scores).any()


def test_the_numbers_of_all_images_add_up_to_those_of_the_classes(whole_road):
    classes = pd.read_csv(whole_road.path("08_reporting", "yolo", "evaluation_classes.csv")).set_index("category")
    images = pd.read_csv(whole_road.path("08_reporting", "yolo", "evaluation_images.csv"))
    for key in ("tp", "fp", "fn"):
        assert images[key].sum() == classes.loc["all classes", key]
    assert (images["true"] == images["tp"] + images["fn"]).all()


def test_the_model_file_carries_thresholds_origin_and_loads_in_ultralytics(whole_road):
    from cell_pipelines.models.yolo_checkpoint import read_record

    path = whole_road.path("06_models", "yolo.pt")
    record = read_record(path)
    thresholds = json.loads(whole_road.path("08_reporting", "yolo", "thresholds.json").read_text())
    assert record["thresholds"] == thresholds
    assert record["run_id"] == whole_road.runs("yolo", "__default__")[0].info.run_id
    from ultralytics import YOLO

    assert list(YOLO(str(path)).names.values()) == ["blue", "red"]


def test_the_run_is_tracked_with_parameters_origin_curves_and_artifacts(whole_road):
    import mlflow

    (run,) = whole_road.runs("__default__")
    assert run.info.status == "FINISHED"
    client = mlflow.MlflowClient()
    assert client.get_experiment(run.info.experiment_id).name == "test"
    assert run.data.params["yolo.image_size"] == "96"
    assert run.data.params["sample_data.scene.cells"] == "6"
    annotations = read_parquet(whole_road.path("03_primary", "annotations"))
    assert run.data.tags["data.sha256"] == annotations.fingerprint()
    assert run.data.tags["version.ultralytics"]
    assert {"code.sha256", "configuration.sha256", "constraints.sha256"} <= run.data.tags.keys()
    record = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/lineage/run.json")
    assert record["command"] == "kedro run --env=test --pipelines=__default__"
    assert record["study"] == str(whole_road.path())
    assert str(whole_road.path("08_reporting", "report.html")) in {data["path"] for data in record["outputs"]}
    artifacts = {a.path for a in client.list_artifacts(run.info.run_id)}
    assert {"yolo", "resunet", "unetpp", "tables", "models", "report"} <= artifacts
    for model, metric, steps in (
        ("yolo", "val_ap50", [1]),
        ("resunet", "val_dice", [1, 2]),
        ("unetpp", "val_dice", [1, 2]),
    ):
        (own,) = whole_road.runs(model, "__default__")
        assert (own.info.status, own.data.tags["mlflow.parentRunId"]) == ("FINISHED", run.info.run_id)
        assert {"test_ap50", "test_f1", "test_centroid_f1", "test_count_mae"} <= set(own.data.metrics)
        assert [m.step for m in client.get_metric_history(own.info.run_id, metric)] == steps


def test_overlays_are_drawn_for_every_test_image(whole_road):
    images = read_parquet(whole_road.path("03_primary", "annotations")).images.to_pandas()
    drawn = list(whole_road.path("08_reporting", "yolo", "error_overlays").rglob("*.png"))
    assert len(drawn) == (images["split"] == "test").sum()
