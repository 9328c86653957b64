import hashlib
import json

import pandas as pd
import pytest
from click.testing import CliRunner
from rocrate.rocrate import ROCrate

from cell_pipelines.commands import cli

from .conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def invoke(whole_road, monkeypatch):
    """Type a command in the project's folder."""
    monkeypatch.chdir(ROOT)
    for name, value in whole_road.environment.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


def test_a_run_is_written_as_a_crate_without_images(whole_road, invoke, tmp_path):
    (run,) = whole_road.runs("__default__")
    folder = tmp_path / "my_crate"
    result = invoke("crate", run.info.run_id, "--out", folder, "--license", "CC-BY-4.0")
    assert result.exit_code == 0, result.output
    assert f"crate: {folder / 'ro-crate-metadata.json'}" in result.output
    crate = ROCrate(folder)
    parts = {entity.id: entity for entity in crate.root_dataset["hasPart"]}
    assert {"models/yolo.pt", "report/model_card.md", "tables/models.csv", "lineage/run.json"} <= parts.keys()
    for name, entity in parts.items():
        content = (folder / name).read_bytes()
        assert (entity["contentSize"], entity["sha256"]) == (str(len(content)), hashlib.sha256(content).hexdigest())
    copied = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert copied == {*parts, "ro-crate-metadata.json"}
    assert not [name for name in copied if name.endswith((".png", ".jpg", ".tif", ".svg", ".html"))]
    assert not [name for name in copied if b"data:image" in (folder / name).read_bytes()]
    action = crate.root_dataset["mentions"]
    values = {entity["name"]: entity["value"] for entity in action["object"] if entity.type == "PropertyValue"}
    assert values["yolo.image_size"] == "96" and values["data.sha256"] == run.data.tags["data.sha256"]
    assert json.loads((folder / "lineage" / "run.json").read_text())["command"] == action["description"]


@pytest.mark.exhaustive
def test_pages_and_figures_come_along_where_they_are_asked_for(whole_road, invoke, tmp_path):
    own = whole_road.runs("yolo", "__default__")[0].info.run_id
    result = invoke("crate", own, "--out", tmp_path / "my_crate", "--pictures")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "my_crate" / "report" / "report.html").is_file()
    assert list((tmp_path / "my_crate").rglob("*.svg"))


def test_a_mistake_is_one_sentence_and_nothing_is_written(invoke, tmp_path, monkeypatch):
    result = invoke("crate", "nothing", "--out", tmp_path / "my_crate")
    assert result.exit_code == 2 and "expected a run nothing; there is none. The latest ones are " in result.output
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    result = invoke("crate", "nothing", "--out", tmp_path / "full")
    assert result.exit_code == 2 and "expected a new folder to write into; it holds something" in result.output
    monkeypatch.chdir(tmp_path)
    result = invoke("crate", "nothing")
    assert result.exit_code == 2 and "there is no project in" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]


def latest(project, name):
    return project.runs(name)[0].info


@pytest.mark.exhaustive
def test_a_run_is_repeated_into_a_folder_of_its_own_and_its_numbers_are_the_same(whole_road, invoke, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in whole_road.folder.rglob("*.csv")}
    whole_road.run("data_preparation")
    run = latest(whole_road, "data_preparation")
    before |= {path: path.stat().st_mtime_ns for path in whole_road.folder.rglob("*.csv")}
    result = invoke("reproduce", run.run_id, "--out", tmp_path / "again")
    assert result.exit_code == 0, result.output
    assert "Equal: every metric and every table is the same to the last digit." in result.output
    assert "The same as then: commit, code, configuration, constraints.txt" in result.output
    assert (tmp_path / "again" / "data" / "test" / "03_primary" / "annotations").is_dir()
    assert {path: path.stat().st_mtime_ns for path in whole_road.folder.rglob("*.csv")} == before


@pytest.mark.exhaustive
def test_models_are_trained_and_evaluated_again_to_the_last_digit(whole_road, invoke, tmp_path):
    (run,) = whole_road.runs("__default__")
    result = invoke("reproduce", run.info.run_id, "--out", tmp_path / "again")
    assert result.exit_code == 0, result.output


@pytest.mark.exhaustive
def test_a_part_of_a_pipeline_begins_with_what_was_stored(whole_road, invoke, tmp_path):
    with whole_road.session(models="yolo") as session:
        session.run(pipeline_names=["evaluation"], from_nodes=["yolo.evaluate"], to_nodes=["yolo.evaluate"])
    result = invoke("reproduce", latest(whole_road, "evaluation").run_id, "--out", tmp_path / "again")
    assert result.exit_code == 0, result.output


@pytest.mark.exhaustive
def test_new_images_are_counted_again(whole_road, invoke, tmp_path):
    whole_road.run("prediction", images=str(whole_road.path("01_raw", "images")), model="yolo")
    result = invoke("reproduce", latest(whole_road, "prediction").run_id, "--out", tmp_path / "again")
    assert result.exit_code == 0, result.output
    counts = [path.joinpath("08_reporting", "new", "counts.csv").read_text()
              for path in (whole_road.path(), tmp_path / "again" / "data" / "test")]  # fmt: skip
    assert counts[0] == counts[1]


@pytest.mark.exhaustive
def test_a_number_that_differs_is_named_with_what_may_explain_it(whole_road, invoke, tmp_path):
    import mlflow

    whole_road.run("data_preparation", data_preparation={"split": {"train": 0.5, "val": 0.25, "test": 0.25}})
    run = latest(whole_road, "data_preparation")
    client = mlflow.MlflowClient()
    table = mlflow.artifacts.load_text(f"{run.artifact_uri}/tables/split_summary.csv")
    client.log_text(run.run_id, table.replace("train,6", "train,7"), "tables/split_summary.csv")
    client.set_tag(run.run_id, "version.torch", "1.0")
    result = invoke("reproduce", run.run_id, "--out", tmp_path / "again")
    assert result.exit_code == 1, result.output
    assert "What may explain differences: torch: 1.0 then," in result.output
    differences = pd.read_csv(tmp_path / "again" / "differences.csv")
    assert differences[["result", "column", "recorded", "reproduced", "difference"]].values.tolist() == [
        ["tables/split_summary.csv", "images", 7, 6, -1.0]
    ]


def test_a_run_that_failed_is_not_repeated(whole_road, invoke, tmp_path):
    import mlflow

    (run,) = whole_road.runs("__default__")
    client = mlflow.MlflowClient()
    failed = client.create_run(run.info.experiment_id).info.run_id
    client.set_terminated(failed, "FAILED")
    result = invoke("reproduce", failed, "--out", tmp_path / "again")
    assert result.exit_code == 2 and "can't be reproduced, since it did not finish; it is FAILED" in result.output
    assert not (tmp_path / "again").exists()
