import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from kedro.framework.project import configure_project

from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.lineage import Lineage
from cell_pipelines.reproduction import running
from cell_pipelines.reproduction.running import run_again
from cell_pipelines.reproduction.source import Source

# Stands for Kedro: writes down what it was called with.
SCRIPT = """
import json, os, sys
call = {"words": sys.argv[1:], "variables": dict(os.environ), "folder": os.getcwd()}
open(os.environ["CALL"], "w").write(json.dumps(call))
print("working")
sys.exit(int(os.environ.get("FAILS", "0")))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose base reads variables; the command that is started is a script."""
    configure_project("cell_pipelines")
    root = tmp_path / "project"
    (root / "conf" / "base").mkdir(parents=True)
    (root / "conf" / "my_study").mkdir()
    base = (
        "study: demo\ndata_root: ${oc.env:CELL_DATA_ROOT,data}\nimages: ${oc.env:MY_CELLS,none}\nold: ${oc.env:OLD,x}\n"
    )
    (root / "conf" / "base" / "globals.yml").write_text(base)
    (root / "conf" / "base" / "mlflow.yml").write_text("server: { mlflow_tracking_uri: null }\n")
    (root / "conf" / "my_study" / "globals.yml").write_text("study: my_study\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.setattr(running, "python_command", lambda: [sys.executable, str(tmp_path / "script.py")])
    monkeypatch.setenv("CALL", str(tmp_path / "call.json"))
    monkeypatch.setenv("OLD", "set today")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return root


def lineage_of(project: Path, **changes) -> Lineage:
    invocation = Invocation(project, "my_study", None, ("train_yolo", "evaluation"), **changes)
    return Lineage(invocation, project / "data" / "my_study", variables={"MY_CELLS": "/cells", "OMP_NUM_THREADS": "2"})


def start(project: Path, source: Source | None = None, **changes) -> tuple[dict, dict]:
    """Run again and return the environment of the command and the settings that it reads."""
    folder = project.parent / "new"
    again = run_again("0123", lineage_of(project, **changes), source or Source(None, project / "conf"), project, folder)
    assert again.study == folder / "data" / "my_study"
    assert (folder / "log.txt").read_text().strip() == "working"
    call = json.loads((project.parent / "call.json").read_text())
    assert call["words"] == ["--config", str(folder / "run.yml")] and call["folder"] == str(project)
    return call["variables"], yaml.safe_load((folder / "run.yml").read_text())["run"]


def test_the_command_is_that_of_the_run_with_all_that_was_chosen(project):
    parameters = {"yolo": {"epochs": 3}, "images": "/a, b"}
    _, settings = start(project, parameters=parameters, selection={"from_nodes": ("yolo.tune", "yolo.predict")})
    assert settings == {
        "params": parameters, "conf_source": str(project / "conf"), "from_nodes": "yolo.tune,yolo.predict",
        "pipelines": "train_yolo,evaluation", "env": "my_study",
    }  # fmt: skip


def test_results_of_a_trial_go_to_the_new_folder_as_well(project):
    _, settings = start(project, parameters={"results": "/data/my_study/experiments/grid/yolo"})
    assert settings["params"] == {"results": str(project.parent / "new" / "results")}


def test_variables_are_those_of_the_run_and_data_and_store_lie_in_the_new_folder(project):
    variables, _ = start(project)
    new = project.parent / "new"
    assert (variables["MY_CELLS"], variables["OMP_NUM_THREADS"]) == ("/cells", "2")
    assert "OLD" not in variables
    assert (variables["CELL_DATA_ROOT"], variables["CELL_ARTIFACT_ROOT"]) == (
        str(new / "data"),
        str(new / "mlartifacts"),
    )
    assert variables["MLFLOW_TRACKING_URI"] == f"sqlite:///{(new / 'mlflow.db').as_posix()}"
    assert json.loads(variables["MLFLOW_RUN_CONTEXT"]) == {"cell_pipelines.reproduces": "0123"}


@pytest.mark.parametrize(
    ("named", "expected"),
    [("null", None), ("${oc.env:MLFLOW_TRACKING_URI}", None), ("http://tracking.example", "http://tracking.example"),
     ("${oc.env:MY_SERVER,none}", "http://recorded.example")],
)  # fmt: skip
def test_the_store_is_the_one_that_the_started_run_writes_to(project, monkeypatch, named, expected):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://today.example")
    monkeypatch.setenv("MY_SERVER", "http://today.example")
    (project / "conf" / "base" / "mlflow.yml").write_text(f"server:\n  mlflow_tracking_uri: {named}\n")
    described = replace(lineage_of(project), variables={"MY_SERVER": "http://recorded.example"})
    new = project.parent / "new"
    again = run_again("0123", described, Source(None, project / "conf"), project, new)
    assert again.uri == (expected or f"sqlite:///{(new / 'mlflow.db').as_posix()}")
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://today.example"


def test_a_password_that_was_not_recorded_is_that_of_today(project, monkeypatch):
    described = lineage_of(project)
    described = replace(described, variables={"MY_CELLS": "https://cells.example", "OTHER": "https://other.example"})
    monkeypatch.setenv("MY_CELLS", "https://me:hunter2@cells.example")
    monkeypatch.setenv("OTHER", "https://me:hunter2@elsewhere.example")
    run_again("0123", described, Source(None, project / "conf"), project, project.parent / "new")
    variables = json.loads((project.parent / "call.json").read_text())["variables"]
    assert variables["MY_CELLS"] == "https://me:hunter2@cells.example"
    assert variables["OTHER"] == "https://other.example"


def test_code_of_another_commit_goes_before_the_installed_one(project):
    variables, _ = start(project, Source(project / "code" / "src", project / "conf"))
    assert variables["PYTHONPATH"].startswith(str(project / "code" / "src"))


def test_a_command_that_fails_names_its_log(project, monkeypatch):
    monkeypatch.setenv("FAILS", "2")
    with pytest.raises(RuntimeError, match=r"the command failed with exit status 2; its log is .*log\.txt: working"):
        start(project)


def test_a_study_that_writes_to_one_place_only_is_refused(project):
    (project / "conf" / "my_study" / "globals.yml").write_text("study: my_study\ndata_root: /my/data\n")
    with pytest.raises(MistakeError, match=r"lie in /my/data/my_study whatever CELL_DATA_ROOT says"):
        start(project)
    assert not (project.parent / "call.json").exists()
