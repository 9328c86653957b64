import shutil

import mlflow
import pytest

from cell_pipelines import model_runs
from cell_pipelines.datasets.metrics_dataset import ModelMetricsDataset


@pytest.fixture
def active_run(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}")
    mlflow.set_experiment("metrics")  # an experiment of an earlier test is not in this store
    with mlflow.start_run() as run:
        yield run.info.run_id
    model_runs.close_runs("FINISHED")
    mlflow.set_tracking_uri(before)


def history(run_id, name):
    return [(m.step, m.value) for m in mlflow.MlflowClient().get_metric_history(run_id, name)]


def test_two_models_of_one_run_do_not_write_over_each_other(active_run):
    model_runs.open_runs({"yolo", "unet"})
    for model, value in (("yolo", 0.9), ("unet", 0.8)):
        ModelMetricsDataset(model=model).save({"test_f1": {"value": value, "step": 0}})
    runs = {model: model_runs.run_of(model) for model in ("yolo", "unet")}
    assert history(runs["yolo"], "test_f1") == [(0, 0.9)]
    assert history(runs["unet"], "test_f1") == [(0, 0.8)]
    assert history(active_run, "test_f1") == []
    model_runs.close_runs("KILLED")
    run = mlflow.get_run(runs["unet"])
    assert (run.info.status, run.data.tags["mlflow.parentRunId"]) == ("KILLED", active_run)


def test_one_model_alone_has_the_run_itself(active_run):
    model_runs.open_runs({"unet"})
    assert model_runs.run_of("unet") == active_run
    points = [{"value": 0.5, "step": 1}, {"value": 0.7, "step": 2}, {"value": float("nan"), "step": 3}]
    ModelMetricsDataset(model="unet").save({"val_dice": points})
    assert history(active_run, "val_dice") == [(1, 0.5), (2, 0.7)]


def test_a_run_of_everything_that_has_one_model_only_is_called_as_the_model(active_run):
    model_runs.open_runs({"unet"})
    assert mlflow.get_run(active_run).info.run_name != "unet"
    with mlflow.start_run(run_name="__default__", nested=True) as run:
        model_runs.open_runs({"unet"})
    assert mlflow.get_run(run.info.run_id).info.run_name == "unet"


def test_without_a_run_nothing_is_logged():
    assert model_runs.run_of("unet") is None
    ModelMetricsDataset(model="unet").save({"test_f1": {"value": 1.0, "step": 0}})


def test_what_is_loaded_are_the_last_values_that_the_run_at_hand_has_logged(active_run):
    dataset = ModelMetricsDataset(model="unet")
    assert dataset.load() == {}
    dataset.save({"val_dice": [{"value": 0.5, "step": 1}, {"value": 0.7, "step": 2}]})
    assert dataset.load() == {"val_dice": 0.7}


def test_without_a_run_no_metrics_are_loaded():
    assert ModelMetricsDataset(model="unet").load() == {}
