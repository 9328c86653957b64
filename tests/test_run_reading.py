import shutil

import mlflow
import pytest

from cell_pipelines.failures import MistakeError
from cell_pipelines.run_reading import opened_store, read_run


@pytest.fixture
def store(empty_store, tmp_path):
    """An open store with an experiment `my_study`, whose artifacts lie beside it."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    with opened_store(f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}"):
        mlflow.create_experiment("my_study", artifact_location=(tmp_path / "artifacts").as_uri())
        yield mlflow.MlflowClient()


def add_run(client, name, *, status="FINISHED", files=None, **tags):
    """Record a run with files of these texts, and return its id."""
    experiment = client.get_experiment_by_name("my_study").experiment_id
    run_id = client.create_run(experiment, run_name=name, tags=tags).info.run_id
    for path, text in (files or {}).items():
        client.log_text(run_id, text, path)
    if status:
        client.set_terminated(run_id, status)
    return run_id


def add_model(client, parent, model, files):
    run_id = add_run(client, model, files=files, **{"mlflow.parentRunId": parent, "model": model})
    client.log_metric(run_id, "test_f1", 0.5)
    return run_id


def test_a_run_is_read_with_the_runs_of_its_models(store, tmp_path):
    files = {"tables/images.csv": "a", "yolo/tables/x.csv": "b"}
    run_id = add_run(store, "evaluation", files=files, kedro_command="kedro run --pipeline=evaluation")
    own = add_model(store, run_id, "yolo", {"yolo/figures/f.svg": "c", "tables/images.csv": "d"})
    store.log_param(run_id, "yolo.epochs", 3)
    run = read_run(run_id)
    assert (run.record.name, run.record.study, run.record.status) == ("evaluation", "my_study", "FINISHED")
    assert run.record.command == "kedro run --pipeline=evaluation" and run.lineage is None
    assert run.record.parameters == {"yolo.epochs": "3"}
    assert run.record.metrics == {"": {}, "yolo": {"test_f1": 0.5}}
    assert run.record.started <= run.record.ended
    assert set(run.files) == {*files, "yolo/figures/f.svg", "yolo/tables/images.csv"}
    texts = {name: run.download(name, tmp_path / "copy").read_text() for name in run.files}
    assert texts == {**files, "yolo/figures/f.svg": "c", "yolo/tables/images.csv": "d"}
    assert read_run(own) == run


def test_a_trial_of_an_experiment_is_a_run_of_its_own_and_no_part_of_another(store):
    parent = add_run(store, "search")
    trial = add_run(store, "trial_0", **{"mlflow.parentRunId": parent, "kind": "trial", "model": "unet"})
    assert read_run(trial).record.name == "trial_0"
    assert read_run(parent).record.metrics == {"": {}}


def test_an_id_that_is_not_there_gets_a_sentence_with_the_latest_runs(store):
    with pytest.raises(MistakeError, match="expected a run nothing; there is none.$"):
        read_run("nothing")
    run_id = add_run(store, "evaluation")
    with pytest.raises(MistakeError, match=rf"there is none\. The latest ones are {run_id} \(evaluation, 20"):
        read_run("nothing")


def test_a_run_that_goes_on_is_refused(store):
    run_id = add_run(store, "evaluation", status=None)
    with pytest.raises(MistakeError, match=f"run {run_id} has not ended; it is RUNNING"):
        read_run(run_id)


def test_a_store_that_is_not_there_is_named_and_not_made(tmp_path):
    path = tmp_path / "mlflow.db"
    with pytest.raises(MistakeError, match=r"mlflow\.db: expected MLflow's store"), opened_store(f"sqlite:///{path}"):
        pass
    assert not path.exists()
