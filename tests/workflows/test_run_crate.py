import hashlib
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from rocrate.rocrate import ROCrate

from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.run_crate import Publication, check_installed, chosen_files, describe_as_crate
from cell_pipelines.workflows.run_record import RunRecord, StoredData

RECORD = RunRecord(
    run_id="0123abcd",
    name="train_yolo",
    study="my_study",
    status="FINISHED",
    started=datetime(2026, 12, 1, 3, tzinfo=UTC),
    ended=datetime(2026, 12, 1, 4, tzinfo=UTC),
    command="kedro run --env=my_study --pipelines=train_yolo",
    tags={
        "version.cell-pipelines": "0.2.0", "version.numpy": "2.4.6", "mlflow.source.git.commit": "c88bbc2",
        "git.dirty": "false", "data.sha256": "e194", "machine.threads": "2", "mlflow.user": "somebody",
    },
    parameters={"yolo.epochs": "3", "images": "/my cells"},
    metrics={"": {}, "yolo": {"test_f1": 0.5, "=1+1": 1.0}},
    variables={"OMP_NUM_THREADS": "2"},
)  # fmt: skip
RESULTS = {"yolo/tables/images.csv": b"image,count\na.png,3\n", "models/yolo.pt": b"weights", "lineage/run.json": b"{}",
           "report/model card #1 für Zellen.md": b"# Card\n"}  # fmt: skip


@pytest.fixture
def results(tmp_path):
    """A folder of results."""
    for name, content in RESULTS.items():
        path = tmp_path / "crate" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "crate"


def read_crate(folder, record=RECORD, publication=None) -> ROCrate:
    describe_as_crate(folder, record, publication)
    return ROCrate(folder)


def action_of(crate):
    return next(entity for entity in crate.get_entities() if entity.type == "CreateAction")


def values_of(entities) -> dict[str, str]:
    return {entity["name"]: entity["value"] for entity in entities if entity.type == "PropertyValue"}


def test_every_file_has_its_size_and_hash_and_is_a_part(results):
    crate = read_crate(results)
    files = {entity["name"]: entity for entity in crate.root_dataset["hasPart"]}
    assert set(files) == {name.rpartition("/")[2] for name in RESULTS} | {"metrics.csv"}
    for entity in files.values():
        content = entity.source.read_bytes()
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert entity["contentSize"] == str(len(content))


def test_the_run_is_an_action_of_this_software_with_its_times_parameters_and_results(results):
    action = action_of(read_crate(results))
    assert action["description"] == RECORD.command
    assert (action["startTime"], action["endTime"]) == ("2026-12-01T03:00:00+00:00", "2026-12-01T04:00:00+00:00")
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert values_of(action["object"]) == {**RECORD.parameters, "data.sha256": "e194"}
    assert values_of(action["environment"]) == {"OMP_NUM_THREADS": "2", "machine.threads": "2"}
    names = {entity["name"] for entity in action["result"]}
    assert {"images.csv", "yolo.pt", "metrics.csv"} <= names and "run.json" not in names
    software = action["instrument"]
    assert (software["name"], software["softwareVersion"], software["identifier"]) == (
        "cell-pipelines", "0.2.0", "c88bbc2",
    )  # fmt: skip
    assert software["license"].id == "https://spdx.org/licenses/AGPL-3.0-or-later"
    assert [(package["name"], package["softwareVersion"]) for package in software["softwareRequirements"]] == [
        ("numpy", "2.4.6")
    ]


def test_it_states_the_profile_and_who_publishes_it_under_which_licence(results):
    root = read_crate(results, publication=Publication("CC-BY-4.0", "A Person")).root_dataset
    assert root["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert root["license"].id == "https://spdx.org/licenses/CC-BY-4.0"
    assert root["author"]["name"] == "A Person"
    assert root["mentions"].type == "CreateAction"


def test_inputs_are_named_and_not_copied(results, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.png").write_bytes(b"pixels")
    inputs = (StoredData("raw@images", str(images)), StoredData("chosen_model", "/elsewhere/yolo.pt", sha256="abc"))
    crate = read_crate(results, replace(RECORD, inputs=inputs))
    named = {
        entity["alternateName"]: entity.type for entity in action_of(crate)["object"] if entity.get("alternateName")
    }
    assert named == {str(images): "Dataset", "/elsewhere/yolo.pt": "File"}
    assert [entity["sha256"] for entity in action_of(crate)["object"] if entity.get("sha256")][1:] == ["abc"]
    copied = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    assert copied == {*RESULTS, "metrics.csv", "ro-crate-metadata.json"}


def test_metrics_are_a_table_that_no_spreadsheet_computes_with(results):
    describe_as_crate(results, RECORD)
    table = pd.read_csv(results / "metrics.csv")
    assert table.values.tolist() == [["yolo", "'=1+1", 1.0], ["yolo", "test_f1", 0.5]]


def test_a_run_that_failed_says_so(results):
    action = action_of(read_crate(results, replace(RECORD, status="KILLED")))
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "The run ended as KILLED."


def test_changes_that_were_not_committed_are_mentioned(results):
    crate = read_crate(results, replace(RECORD, tags={**RECORD.tags, "git.dirty": "true"}))
    software = action_of(crate)["instrument"]
    assert software["description"] == "Git commit c88bbc2, with changes that were not committed."


def test_pages_and_figures_are_left_out_unless_asked_for():
    names = ["tables/a.csv", "report/report.html", "yolo/figures/a.svg", "samples/a.png", "models/a.onnx"]
    assert chosen_files(names, pictures=False) == ["tables/a.csv", "models/a.onnx"]
    assert chosen_files(names, pictures=True) == names


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rocrate", None)
    with pytest.raises(MistakeError, match=r"pip install 'cell-pipelines\[crate\]'"):
        check_installed()


def test_no_password_of_a_run_gets_into_the_crate(results):
    address = "postgresql://me:hunter2@tracking.example/mlflow"
    record = replace(
        RECORD, command=f"kedro run --params=images={address}", parameters={"images": address},
        variables={"MLFLOW_TRACKING_URI": address, "APIKEY": "hunter2", "CELL_DATA_ROOT": "/cells"},
    )  # fmt: skip
    crate = read_crate(results, record)
    values = values_of(action_of(crate)["environment"])
    assert values["MLFLOW_TRACKING_URI"] == "postgresql://tracking.example/mlflow"
    assert values["CELL_DATA_ROOT"] == "/cells" and "APIKEY" not in values
    assert "hunter2" not in (results / "ro-crate-metadata.json").read_text()
