import hashlib
import json
from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro_datasets.json import JSONDataset
from omegaconf.resolvers import oc

from cell_pipelines.datasets.chosen_model_dataset import ChosenModelDataset
from cell_pipelines.datasets.folder_dataset import NewFolderDataset, WorkFolderDataset
from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.lineage import Lineage, configuration_hash, environments, origin_tags
from cell_pipelines.workflows.run_record import StoredData


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose base reads three variables, one of them a secret, and whose study has settings of its own."""
    base, study = tmp_path / "conf" / "base", tmp_path / "conf" / "my_study"
    base.mkdir(parents=True)
    study.mkdir()
    (base / "globals.yml").write_text("root: ${oc.env:MY_CELLS,data}\nkey: ${oc.env:MY_TOKEN,none}\n")
    (base / "mlflow.yml").write_text("run: ${oc.env:CELL_PIPELINES_RUN_ID,null}\nother: ${oc.env:NOT_SET,x}\n")
    (base / "README.md").write_text("What it is.")
    (base / "credentials.yml").write_text("password: 1\n")
    (study / "globals.yml").write_text("study: my_study\n")
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MY_CELLS", "MY_TOKEN", "CELL_PIPELINES_RUN_ID", "OTHER"):
        monkeypatch.setenv(name, f"value of {name}")
    (tmp_path / "images.json").write_text("[]")
    (tmp_path / "data" / "work").mkdir(parents=True)
    return tmp_path


def loader_of(project, env="my_study", source=None):
    source = source or project / "conf"
    return OmegaConfigLoader(
        str(source), env=env, base_env="base", default_run_env="local", custom_resolvers={"oc.env": oc.env}
    )


def lineage_of(project, source=None, **changes) -> Lineage:
    catalog = DataCatalog(
        {
            "images": JSONDataset(filepath=str(project / "images.json")),
            "work": WorkFolderDataset(path="data/work"),
            "new_folder": NewFolderDataset(path="data"),
            "params:size": MemoryDataset(1),
            "handed_over": MemoryDataset(),
            "counts": JSONDataset(filepath=str(project / "counts.json")),
        }
    )
    inputs = ["images", "work", "new_folder", "params:size"]
    nodes = [node(lambda *given: given, inputs, "handed_over"), node(lambda given: given, "handed_over", "counts")]
    invocation = Invocation(project, "my_study", None, ("prediction",), **changes)
    return Lineage.of_run(invocation, project / "data", pipeline(nodes), catalog, loader_of(project, source=source))


def test_a_run_says_where_its_inputs_and_outputs_lie(project):
    lineage = lineage_of(project)
    assert lineage.inputs == (
        StoredData("images", str(project / "images.json")),
        StoredData("work", str(project / "data" / "work"), is_work_folder=True),
    )
    assert lineage.outputs == (StoredData("counts", str(project / "counts.json")),)


def test_an_input_that_is_not_there_was_not_read(project):
    (project / "images.json").unlink()
    assert [data.name for data in lineage_of(project).inputs] == ["work"]


def test_the_chosen_model_is_named_by_its_file_and_hash(project):
    model = project / "any.pt"
    model.write_bytes(b"weights")
    chosen = ChosenModelDataset(folder=str(project), models=["yolo"], model=str(model))
    nodes = pipeline([node(lambda given: given, "chosen_model", "handed_over")])
    catalog = DataCatalog({"chosen_model": chosen})
    lineage = Lineage.of_run(Invocation(project), project / "data", nodes, catalog, loader_of(project))
    assert lineage.inputs == (StoredData("chosen_model", str(model), sha256=hashlib.sha256(b"weights").hexdigest()),)


def test_variables_are_those_that_the_configuration_reads_without_secrets(project, monkeypatch):
    assert lineage_of(project).variables == {"MY_CELLS": "value of MY_CELLS"}
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert lineage_of(project).variables == {"MY_CELLS": "value of MY_CELLS", "OMP_NUM_THREADS": "2"}


def test_no_password_gets_into_the_record(project, monkeypatch):
    settings = "uri: ${oc.env:MLFLOW_TRACKING_URI,x}\n" + "".join(
        f"{name}: ${{oc.env:{name},x}}\n" for name in ("APIKEY", "DB_PWD", "BASIC_AUTH", "CELL_DATA_ROOT")
    )
    (project / "conf" / "base" / "parameters.yml").write_text(settings)
    for name in ("APIKEY", "DB_PWD", "BASIC_AUTH"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:hunter2@tracking.example/mlflow")
    monkeypatch.setenv("CELL_DATA_ROOT", "/cells")
    lineage = lineage_of(project, parameters={"a": {"images": ["https://me:hunter2@cells.example/a.png"]}})
    assert "hunter2" not in json.dumps(lineage.to_dict())
    expected = {"MLFLOW_TRACKING_URI": "https://tracking.example/mlflow", "CELL_DATA_ROOT": "/cells"}
    assert lineage.variables == {**expected, "MY_CELLS": "value of MY_CELLS"}
    assert lineage.to_dict()["invocation"]["environment"] == "my_study"


def test_a_configuration_elsewhere_is_named_and_the_projects_own_is_not(project):
    assert lineage_of(project).invocation.conf_source is None
    elsewhere = project / "elsewhere"
    (project / "conf").rename(elsewhere)
    assert lineage_of(project, elsewhere).invocation.conf_source == str(elsewhere)


def test_the_record_comes_back_from_json(project):
    lineage = lineage_of(
        project, parameters={"a": {"b": [1, 2.5, None]}, "images": "/x, y"}, selection={"tags": ("yolo",)}
    )
    assert Lineage.from_dict(json.loads(json.dumps(lineage.to_dict()))) == lineage


@pytest.mark.parametrize("change", [{"format": 99}, {"invocation": {}}, {"inputs": [{"place": "x"}]}])
def test_a_record_that_is_none_gets_a_sentence(project, change):
    with pytest.raises(MistakeError, match=r"lineage/run\.json: expected"):
        Lineage.from_dict({**lineage_of(project).to_dict(), **change})


def test_the_hash_of_a_configuration_is_about_settings_and_not_about_texts_and_secrets(project):
    names = environments(loader_of(project))
    assert names == ("base", "my_study")
    before = configuration_hash(project / "conf", names)
    (project / "conf" / "base" / "README.md").write_text("Something else.")
    (project / "conf" / "base" / "credentials.yml").write_text("password: 2\n")
    assert configuration_hash(project / "conf", names) == before
    (project / "conf" / "my_study" / "parameters.yml").write_text("size: 3\n")
    assert configuration_hash(project / "conf", names) != before


def test_tags_say_by_which_code_settings_and_versions_a_result_is_made(project):
    tags = origin_tags(Path(project), loader_of(project))
    assert {"code.sha256", "configuration.sha256", "machine.threads", "version.python"} <= tags.keys()
    assert "constraints.sha256" not in tags
