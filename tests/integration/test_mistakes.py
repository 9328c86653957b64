"""A mistake on the command line gives one sentence, exit status 2, no traceback, and no run in MLflow."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from .conftest import ROOT, Project

SENTENCES = {
    "a study that is not there": (
        ["--env=bcdc"], r"no study `bcdc`.* Did you mean `bccd`\? Studies: bbbc039, bccd, cll",
    ),
    "a pipeline that is not there": (
        ["--pipelines=train_yollo"], r"no pipeline `train_yollo`; did you mean `train_yolo`",
    ),
    "two pipelines, one of them not there": (["--pipelines=evaluation,repoting"], r"did you mean `reporting`"),
    "a group misspelt": (
        ["--pipelines=train_yolo", "--params=yollo.epochs=3"],
        r"nothing reads the parameter `yollo` \(did you mean `yolo`",
    ),
    "a key misspelt": (
        ["--pipelines=train_yolo", "--params=yolo.epoch=3"],
        r"no parameter `yolo\.epoch`; did you mean `epochs`",
    ),
    "a key misspelt one level down": (
        ["--pipelines=train_yolo", "--params=yolo.augmentation.mosaik=1"],
        r"no parameter `yolo\.augmentation\.mosaik`; did you mean `mosaic`",
    ),
    "a value out of range": (
        ["--pipelines=train_yolo", "--params=yolo.batch=-1"],
        r"parameter `yolo\.batch`: input should be greater than or equal to 1, got -1",
    ),
    "a parameter of another pipeline": (
        ["--pipelines=prediction", "--params=raw_images=/x"],
        r"`prediction` does not read the parameter `raw_images` \(did you mean `images`\?\)",
    ),
    "a group of another model": (
        ["--pipelines=train_unet", "--params=yolo.epochs=3"],
        r"`train_unet` does not read the parameter `yolo`.*pipelines that read it: .*train_yolo",
    ),
    "models for a pipeline of one model": (
        ["--pipelines=train_yolo", "--params=models=unet"],
        r"`train_yolo` does not read the parameter `models`",
    ),
    "no equals sign": (["--params=yolo.epochs"], r"expected `name=value`, got `yolo\.epochs`"),
    "an evaluation before the training": (
        ["--pipelines=evaluation", "--params=models=unet"],
        r"it is not there.*Run `kedro run --env=test --pipelines=sample_data,train_unet` first",
    ),
    "an export before the conversion": (
        ["--pipelines=annotation_export"], r"Run `kedro run --env=test --pipelines=annotation_conversion` first",
    ),
    "a trial of an experiment on a fresh clone": (
        ["--pipelines=architecture_grid", "--dry-run"],
        r"expected `raw@images`; it is not there.*--pipelines=sample_data` first",
    ),
    "images that are not there": (
        ["--pipelines=annotation_conversion", "--params=raw_images={tmp}/nowhere"],
        r"nowhere: expected a folder with images",
    ),
    "a file where a folder belongs": (
        ["--pipelines=pre_annotation", "--params=raw_images={tmp}/a.txt"],
        r"a\.txt: expected a folder with images",
    ),
    "an empty folder": (
        ["--pipelines=annotation_conversion", "--params=raw_images={tmp}/empty"],
        r"empty: found no image; expected files",
    ),
    **{
        f"Kedro's {words[0]}": (
            ["--pipelines=sample_data", *words], f"{name}: expected Kedro's SequentialRunner.*parallel.engine=processes"
        )
        for name, words in {
            "--runner=ThreadRunner": ["--runner=ThreadRunner"], "--runner=ParallelRunner": ["--runner=ParallelRunner"],
            "--async": ["--runner-params=is_async=True"],
        }.items()
    },
    "the home folder of nobody": (
        ["--pipelines=annotation_conversion", "--params=raw_images=~nobody_of_that_name/cells"],
        r"~nobody_of_that_name/cells: no user of this machine is called so",
    ),
    "a home folder that is not there, with a comma": (
        ["--pipelines=annotation_conversion", "--params=raw_images=~/no,where"],
        re.escape(str(Path.home() / "no,where")) + ": expected a folder with images",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(ROOT)
    return Project(tmp_path_factory.mktemp("mistakes"))


def invoke(words, project, environment="test"):
    from cell_pipelines.cli import run

    given = words if any(word.startswith("--env") for word in words) else [f"--env={environment}", *words]
    return CliRunner().invoke(run, given, env=project.environment, catch_exceptions=False)


@pytest.mark.parametrize("mistake", SENTENCES)
def test_a_mistake_gets_one_sentence_and_leaves_no_run(mistake, project, tmp_path, monkeypatch):
    words, sentence = SENTENCES[mistake]
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("no folder")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = invoke([word.format(tmp=tmp_path) for word in words], project)
    error = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert result.exit_code == 2, result.output
    assert len(error) == 1
    assert re.search(sentence, error[0]), error[0]
    assert "Traceback" not in result.output
    if words[0].startswith("--pipelines") and (project.folder / "mlflow.db").exists():
        assert project.runs(words[0].removeprefix("--pipelines=")) == []


def test_the_traceback_of_a_fault_lies_in_a_file_that_the_sentence_names(project, monkeypatch):
    monkeypatch.setattr("cell_pipelines.run_checks.check_run", lambda *args, **kwargs: {}["gone"])
    result = invoke(["--pipelines=sample_data"], project)
    assert result.exit_code == 1
    message, named = result.output.strip().splitlines()[-2:]
    assert message == "Error: KeyError: 'gone'"
    path = Path(re.fullmatch(r"\(The traceback is in (.*)\.\)", named)[1])
    text = path.read_text(encoding="utf-8")
    path.unlink()
    assert "Traceback (most recent call last)" in text
    assert "command: " in text


def test_verbose_shows_the_traceback(project):
    result = invoke(["--pipelines=annotation_export", "--verbose"], project)
    assert result.exit_code == 2
    assert "Traceback (most recent call last)" in result.output
