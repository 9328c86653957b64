"""A search with trials that are small scripts in place of trainings, and whose F1 is a function of their parameters."""

import json
import math
import sys

import pytest
import yaml

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.experiments import runner as runner_module
from cell_pipelines.pipelines.experiments import search as search_module
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.progress import read_progress
from cell_pipelines.pipelines.experiments.runner import Runner
from cell_pipelines.pipelines.experiments.search import open_search, rungs
from cell_pipelines.pipelines.experiments.search_nodes import check_search, measure_importance, tabulate_search
from cell_pipelines.pipelines.experiments.search_page import search_cards, search_sections
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state
from cell_pipelines.pipelines.experiments.trials import Trial

#: What stands in for a training: its F1 falls with the distance of the rate from 0.01, and one width can't be trained.
SCRIPT = """
import json, math, os, pathlib, sys, time, yaml
folder = pathlib.Path(sys.argv[-1]).parent
given = yaml.safe_load((folder / "trial.yml").read_text())["run"]["params"]
with (folder / "started").open("a") as file:
    file.write("x")
value = 1 - abs(math.log10(given["segmentation"]["learning_rate"] / 0.01)) / 4
if given["unet"]["options"]["width"] == 3:
    raise ValueError("the memory is full")
work = folder / "06_models" / "unet"
work.mkdir(parents=True, exist_ok=True)
for epoch in range(1, 11):
    with (work / "progress.jsonl").open("a") as file:
        file.write(json.dumps({"epoch": epoch, "val_dice": value, "share": epoch / 10}) + "\\n")
    if given["segmentation"].get("slow"):
        time.sleep(0.15)
(folder / "f1.json").write_text(json.dumps(value))
"""
SPACE = {
    "segmentation.learning_rate": {"type": "float", "low": 1e-5, "high": 1.0, "log": True},
    "model.options.width": {"type": "int", "low": 1, "high": 3},
}


class Runs:
    """Stands in for MLflow."""

    def open_trial(self, name, model):
        return f"run of {name}"

    def end_trial(self, run_id, status):
        pass

    def is_finished(self, run_id):
        return False


def _annotations():
    builder = AnnotationBuilder(("cell",))
    builder.add_image("a.png", width=10, height=10)
    return builder.build().with_image_column("split", ["train"])


@pytest.fixture
def begin(tmp_path, monkeypatch):
    script = tmp_path / "trial.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr(runner_module, "python_command", lambda: [sys.executable, str(script)])
    monkeypatch.setattr(search_module, "refuse_impossible", lambda *_: {})
    monkeypatch.setattr(search_module, "validation_f1", lambda folder, _: json.loads((folder / "f1.json").read_text()))

    def _begin(folder="search", everything=None, **changes):
        given = {"kind": "search", "models": ("unet",), "space": SPACE, "trials": 4, "pruning": None, **changes}
        (tmp_path / folder).mkdir(exist_ok=True)
        parameters = ExperimentParameters.model_validate(given)
        return open_search("search", tmp_path / folder, _annotations(), everything or {}, parameters)

    return _begin


def _run(search, **changes):
    runner = Runner(Invocation(search.folder), search.folder, Runs(), ("auto",), on_end=search.tell, **changes)
    runner.run(search.due(Runs()), total=search.left())
    return tabulate_search(search)


def test_trials_are_chosen_until_there_are_as_many_as_asked_for_and_failed_ones_stay_failed(begin):
    space = {**SPACE, "model.options.width": {"type": "categorical", "values": [1, 3]}}
    given = {"space": space, "sampler_seed": 2}
    table = _run(begin(trials=4, **given))
    assert len(table) == 4 and begin(trials=4, **given).left() == 0
    failed = table["model.options.width"] == 3
    assert failed.any() and not failed.all()
    assert (table["status"] == "failed").equals(failed)
    assert set(table.loc[failed, "error"]) == {"ValueError: the memory is full"}
    assert table.loc[~failed, "validation_f1"].notna().all() and table.loc[failed, "validation_f1"].isna().all()
    search = begin(trials=4, **given)
    assert _run(search).equals(table)
    assert all((search.folder / name / "started").read_text() == "x" for name in table["trial"])
    assert len(_run(begin(trials=5, **given))) == 5
    check_search(table, "page")


@pytest.mark.exhaustive
def test_a_search_that_is_stopped_and_called_again_chooses_what_one_call_chooses(begin):
    at_once = _run(begin("at once", trials=5))
    for _ in range(3):
        by_parts = _run(begin("by parts", trials=5, stop_after=2))
    columns = ["trial", *SPACE, "validation_f1"]
    assert by_parts[columns].equals(at_once[columns])
    assert at_once["segmentation.learning_rate"].nunique() == 5


def test_what_a_killed_call_was_at_is_gone_on_with_and_told_once(begin):
    search = begin(trials=3)
    due = search.due(Runs())
    (running, key), (ended, _), (lost, _) = next(due), next(due), next(due)
    write_state(search.folder / running.name, State("running", key, "an earlier run"))
    write_state(search.folder / ended.name, State("failed", key, error="ended by signal 9"))
    assert lost.name != running.name
    search = begin(trials=3)
    assert [trial.name for trial, _ in search.due(Runs())] == [running.name, lost.name]
    table = _run(begin(trials=3)).set_index("trial")
    assert table.loc[ended.name, ["status", "error"]].tolist() == ["failed", "ended by signal 9"]
    settings = yaml.safe_load((search.folder / running.name / "trial.yml").read_text())["run"]["params"]["segmentation"]
    assert settings["resume"] is True
    assert len(table) == 3


def test_worse_trials_are_ended_early_and_the_best_never(begin):
    search = begin(
        trials=7, pruning={"first": 0.1, "keep": 2}, settings={"segmentation.slow": True},
        space={**SPACE, "model.options.width": {"type": "categorical", "values": [1, 2]}},
    )  # fmt: skip
    table = _run(search, is_hopeless=search.is_hopeless, pause=0.05)
    assert set(table["status"]) == {"finished", "pruned"}
    pruned = table[table["status"] == "pruned"]
    assert pruned["percent"].isin([10, 20, 30, 40, 50, 60]).all() and pruned["validation_f1"].isna().all()
    assert all(read_state(search.folder / name).error is None for name in pruned["trial"])
    distance = table["segmentation.learning_rate"].map(lambda rate: abs(math.log10(rate / 0.01)))
    assert table["status"][distance.idxmin()] == "finished"


@pytest.mark.exhaustive
def test_another_space_or_other_parameters_of_the_study_begin_another_search(begin):
    first = _run(begin(trials=2))
    assert _run(begin(trials=2, sampler_seed=1))["trial"].tolist() != first["trial"].tolist()
    assert begin(trials=2, everything={"unet": {"options": {"depth": 2}}}).left() == 2
    assert begin(trials=2).left() == 0


def test_a_trial_never_sees_test_images_and_is_trained_by_its_own_parameters(begin):
    search = begin(trials=1, settings={"segmentation.epochs": 3})
    trial, _ = next(search.due(Runs()))
    assert trial.pipelines == ("train_unet", "threshold_optimisation")
    assert trial.changes["threshold_optimisation.scored"] == ["val"]
    assert trial.changes["segmentation.epochs"] == 3 and trial.changes["unet.options.width"] in (1, 2, 3)


@pytest.mark.exhaustive
def test_the_page_shows_the_best_trial_and_says_when_there_is_none(begin):
    search = begin(trials=8, space={"segmentation.learning_rate": SPACE["segmentation.learning_rate"],
                                    "model.options.width": {"type": "categorical", "values": [1, 2]}})  # fmt: skip
    table = _run(search)
    importance = measure_importance(search)
    assert set(importance["parameter"]) == set(SPACE) and importance["importance"].sum() == pytest.approx(1)
    assert importance["parameter"].iloc[0] == "segmentation.learning_rate"
    trial, value = search.best()
    assert value == table["validation_f1"].max() and search_cards(table)["Best F1 on validation"] == f"{value:.3f}"
    best, *_ = search_sections(table, importance, {"history": None, "importance": None, "slices": None}, search)
    assert trial.name in best.items[0].text and "learning_rate:" in best.items[1].text
    empty = begin(trials=8, sampler_seed=5)
    sections = search_sections(tabulate_search(empty), measure_importance(empty),
                               dict.fromkeys(("history", "importance", "slices")), empty)  # fmt: skip
    assert sections[0].items[0].text == "No trial has come to its end."


@pytest.mark.exhaustive
def test_a_search_of_which_every_trial_failed_ends_as_failed(begin):
    table = _run(begin(trials=2, space={**SPACE, "model.options.width": {"type": "categorical", "values": [3, 3.0]}}))
    with pytest.raises(RuntimeError, match="all 2 trials failed; the last: ValueError: the memory is full"):
        check_search(table, "page")


@pytest.mark.parametrize(("pruning", "expected"), [
    ({"first": 0.1, "keep": 3}, [10, 30]), ({"first": 0.1, "keep": 2}, [10, 20, 40]), ({"first": 0.9}, []), (None, []),
])  # fmt: skip
def test_no_trial_is_ended_in_the_last_third_of_its_training(pruning, expected):
    given = {"kind": "search", "models": ["unet"], "trials": 2, "space": SPACE, "pruning": pruning}
    assert rungs(ExperimentParameters.model_validate(given)) == expected


def test_progress_is_the_best_so_far_of_whole_lines_and_losses_are_turned(tmp_path):
    folder = tmp_path / "06_models" / "unet"
    folder.mkdir(parents=True)
    rows = [{"val_dice": 0.5, "val_loss": 2.0, "share": 0.1}, {"val_dice": 0.3, "val_loss": 3.0, "share": 0.2}]
    (folder / "progress.jsonl").write_text("\n".join(map(json.dumps, rows)) + '\n{"val_dice": 0.9, "sh')
    trial = Trial("t", "unet")
    assert list(read_progress(tmp_path, trial, None, 1)) == [(10, 0.5), (20, 0.5)]
    assert list(read_progress(tmp_path, trial, "val_loss", 1)) == [(10, -2.0), (20, -2.0)]
    assert list(read_progress(tmp_path / "none", trial, None, 1)) == []


@pytest.mark.parametrize(("changes", "words"), [
    ({"space": {}}, "`space` and `trials` go with the kind search"),
    ({"trials": None}, "`space` and `trials` go with the kind search"),
    ({"kind": "grid"}, "`space` and `trials` go with the kind search"),
    ({"seeds": [1]}, "a search has no `values`, `variants` or `seeds`"),
    ({"space": {"a": {"type": "float", "low": 2, "high": 1}}}, "`low` must be below `high`, got 2 and 1"),
    ({"space": {"a": {"type": "int", "low": 0, "high": 4, "log": True}}}, "`low` must be above 0"),
    ({"space": {"a": {"type": "categorical", "values": [1]}}}, "at least 2 items"),
    ({"space": {"a": {"type": "normal"}}}, "'float', 'int', 'categorical'"),
])  # fmt: skip
def test_a_space_that_is_none_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        ExperimentParameters.model_validate(
            {"kind": "search", "models": ["unet"], "trials": 2, "space": SPACE, **changes}
        )
