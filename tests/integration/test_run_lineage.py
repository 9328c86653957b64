import hashlib
import json

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
    (action,) = crate.root_dataset["mentions"]
    values = {entity["name"]: entity["value"] for entity in action["object"] if entity.type == "PropertyValue"}
    assert values["yolo.image_size"] == "96" and values["data.sha256"] == run.data.tags["data.sha256"]
    assert json.loads((folder / "lineage" / "run.json").read_text())["command"] == action["description"]


def test_pages_and_figures_come_along_where_they_are_asked_for(whole_road, invoke, tmp_path):
    own = whole_road.runs("yolo", "__default__")[0].info.run_id
    result = invoke("crate", own, "--out", tmp_path / "my_crate", "--pictures")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "my_crate" / "report" / "report.html").is_file()
    assert list((tmp_path / "my_crate").rglob("*.svg"))


def test_a_mistake_is_one_sentence_and_nothing_is_written(invoke, tmp_path, monkeypatch):
    result = invoke("crate", "nothing", "--out", tmp_path / "my_crate")
    assert result.exit_code == 2 and "expected a run nothing; there is none. The latest ones are:" in result.output
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    result = invoke("crate", "nothing", "--out", tmp_path / "full")
    assert result.exit_code == 2 and "expected a new folder to write into; it holds something" in result.output
    monkeypatch.chdir(tmp_path)
    result = invoke("crate", "nothing")
    assert result.exit_code == 2 and "there is no project in" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]
