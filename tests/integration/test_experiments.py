"""Experiments as users call them: in processes of their own, killed while they run, and called again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml

from cell_pipelines.annotations.storage import read_parquet
from cell_pipelines.api import count
from cell_pipelines.pipelines.experiments.states import read_state
from cell_pipelines.workflows.trained_model import TrainedModel

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
#: A small version of the cll study's grid: three trials that can be trained, and one that can't be built.
GRID = {
    "models": ["unet", "pan"],
    "values": {"model.encoder": ["timm-mobilenetv3_small_minimal_100", "vgg11"]},
    "settings": {"model.encoder_weights": None, "segmentation.epochs": 1},
    "parallel": 2,
    "costs": False,
}
TRIALS = {"pan_timm-mobilenetv3-small-minimal-100", "unet_timm-mobilenetv3-small-minimal-100", "unet_vgg11"}


@pytest.fixture
def call(fresh_project, tmp_path):
    """Start an experiment as users do; what is still at work when a test ends, is ended."""
    started = []

    def start(*more):
        run = {"run": {"env": "test", "pipelines": "architecture_grid",
                       "params": {"experiments": {"architecture_grid": GRID}}}}  # fmt: skip
        (tmp_path / "call.yml").write_text(yaml.safe_dump(run))
        command = [sys.executable, "-m", "kedro", "run", "--config", str(tmp_path / "call.yml"), *more]
        environment = {**os.environ, **fresh_project.environment}
        started.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
        return started[-1]

    yield start
    for process in started:
        with process:
            process.kill()


def _states(project):
    folder = project.path("experiments", "architecture_grid")
    return {place.name: read_state(place) for place in folder.iterdir() if place.is_dir()}


def _wait_for(project, call, condition, seconds=900):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert call.poll() is None, call.stdout.read().decode()[-3000:]
        found = _states(project) if project.path("experiments", "architecture_grid").is_dir() else {}
        if condition(found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited for {seconds} s, found {found}")


def _process_of(trial):
    """Return the process that trains a trial, by what it was started with."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(f"/{trial}/trial.yml".encode()) for word in words):
            return int(place.name)
    return None


def _runs(project, kind):
    mlflow.set_tracking_uri(project.store)
    found = mlflow.search_runs(search_all_experiments=True, output_format="list")
    return [run for run in found if run.data.tags.get("kind") == kind]


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")
def test_a_grid_that_was_killed_is_completed_without_training_anything_twice(fresh_project, call):
    fresh_project.run("sample_data")

    # One trial is killed: the others go on, and the call ends as failed.
    running = call()
    killed = "unet_timm-mobilenetv3-small-minimal-100"
    _wait_for(fresh_project, running, lambda _: _process_of(killed))
    os.kill(_process_of(killed), signal.SIGKILL)

    # Then the call itself, as soon as one trial is finished and another is at work.
    def one_is_done(states):
        by_status = [state.status for state in states.values()]
        return "finished" in by_status and "running" in by_status

    states = _wait_for(fresh_project, running, one_is_done)
    running.kill()
    running.communicate()
    assert states[killed].status == "failed"
    assert states[killed].error == "ended by signal 9"
    assert states["pan_vgg11"].status == "impossible"
    finished = {name: state for name, state in states.items() if state.status == "finished"}

    # Trials end with the call, so that the next one finds nothing at work.
    until = time.monotonic() + 60
    while any(_process_of(name) for name in TRIALS) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(_process_of(name) for name in TRIALS)

    running = call()
    output = running.communicate(timeout=900)[0].decode()
    assert running.returncode == 0, output[-3000:]
    assert f"{len(TRIALS) - len(finished)} of 4 trials are left to be trained" in output
    after = _states(fresh_project)
    assert {name for name, state in after.items() if state.status == "finished"} == TRIALS
    assert all(after[name] == state for name, state in finished.items())

    table = pd.read_csv(fresh_project.path("08_reporting", "architecture_grid", "trials.csv"))
    assert dict(zip(table["trial"], table["status"], strict=True)) == {
        **dict.fromkeys(TRIALS, "finished"), "pan_vgg11": "impossible",
    }  # fmt: skip
    assert table.loc[table["status"] == "finished", ["f1", "parameters_m", "training_seconds"]].notna().all(axis=None)

    # One run for the experiment, one finished run a trial below it, and none left open.
    (experiment,) = _runs(fresh_project, "experiment")
    trials = _runs(fresh_project, "trial")
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {experiment.info.run_id}
    done = [run for run in trials if run.info.status == "FINISHED"]
    assert sorted(run.info.run_name for run in done) == sorted(TRIALS)
    assert sorted(state.run_id for state in after.values() if state.run_id) == sorted(r.info.run_id for r in done)
    assert all("test_f1" in run.data.metrics for run in done)
    everything = mlflow.search_runs(search_all_experiments=True, output_format="list")
    # A call that was killed by the system can't close its own run; all others are closed.
    assert [r.data.tags.get("kind") for r in everything if r.info.status == "RUNNING"] in ([], ["call"])

    # A third call has nothing to do; a fourth, with one more epoch, would train all anew.
    running = call()
    output = running.communicate(timeout=900)[0].decode()
    assert running.returncode == 0, output[-3000:]
    assert "0 of 4 trials are left to be trained" in output
    assert _states(fresh_project) == after


@pytest.mark.exhaustive
def test_a_dry_run_lists_trials_with_time_and_memory_and_trains_nothing(fresh_project, call):
    fresh_project.run("sample_data")
    running = call("--dry-run")
    output = running.communicate(timeout=900)[0].decode()
    assert running.returncode == 0, output[-3000:]
    assert "3 of 4 trials are left" in output
    plan = pd.read_csv(fresh_project.path("08_reporting", "architecture_grid", "plan.csv")).set_index("trial")
    assert plan.loc["pan_vgg11", "status"] == "impossible"
    assert plan.loc["pan_vgg11", "reason"]
    possible = plan.drop("pan_vgg11")
    assert (possible["status"] == "waiting").all()
    assert (possible[["estimated_seconds", "estimated_memory_mb", "parameters_m", "flops_g"]] > 0).all(axis=None)
    assert plan.loc["unet_vgg11", "parameters_m"] > 9  # VGG11 alone has 9.2 million in its convolutions
    assert not _states(fresh_project)
    assert not _runs(fresh_project, "trial")


@pytest.mark.exhaustive
def test_a_cross_validation_leaves_one_file_that_counts_as_any_other_model(fresh_project):
    fresh_project.run("sample_data")
    given = {"kind": "cross_validation", "models": ["resunet"], "folds": 2, "whole": True, "costs": False}
    fresh_project.run("cross_validation", experiments={"cross_validation": given})
    trials = pd.read_csv(fresh_project.path("08_reporting", "cross_validation", "trials.csv"))
    assert trials["status"].tolist() == ["finished"] * 4
    out_of_fold = pd.read_csv(fresh_project.path("08_reporting", "cross_validation", "out_of_fold.csv"))
    prepared = read_parquet(fresh_project.path("03_primary", "annotations"))
    splits = prepared.images["split"].to_pylist()
    assert set(out_of_fold["images"]) == {splits.count("train")}

    folder = fresh_project.path("experiments", "cross_validation")
    path = folder / "resunet_ensemble" / "06_models" / "resunet.pt"
    model = TrainedModel.open(path)
    members = [TrainedModel.open(folder / f"resunet_without-fold-{n}" / "06_models" / "resunet.pt") for n in (1, 2)]
    assert [member["sha256"] for member in model.record["members"]] == [member.sha256 for member in members]
    assert model.run_id in {run.info.run_id for run in _runs(fresh_project, "trial")}
    seen = {frozenset(member.record["training_images"]["signatures"]) for member in members}
    assert len(seen) == 2 and set(model.record["training_images"]["signatures"]) == set().union(*seen)
    scores = pd.read_csv(folder / "resunet_ensemble" / "07_model_output" / "resunet" / "scores.csv")
    for row in scores.to_dict("records"):
        place = folder / "resunet_ensemble" / "07_model_output" / "resunet" / "store" / row["file"]
        assert place.is_file() and ("without-fold" in row["file"]) == (row["split"] == "train")

    # The Python interface counts what the experiment has evaluated.
    images = [name for name, split in zip(prepared.names, splits, strict=True) if split == "test"]
    counts = count([fresh_project.path("01_raw", "images", name) for name in images], path).table
    evaluated = pd.read_csv(folder / "resunet_ensemble" / "08_reporting" / "resunet" / "evaluation_classes.csv")
    assert counts["total"].sum() == evaluated["predicted"].iloc[-1] > 0


@pytest.mark.exhaustive
def test_a_search_that_was_killed_is_gone_on_with_and_its_page_names_the_best(fresh_project, tmp_path):
    fresh_project.run("sample_data")
    space = {"segmentation.learning_rate": {"type": "float", "low": 0.0003, "high": 0.03, "log": True},
             "segmentation.batch": {"type": "categorical", "values": [2, 4]}}  # fmt: skip
    given = {"kind": "search", "models": ["resunet"], "trials": 3, "space": space, "stop_after": 2}
    fresh_project.run("search", experiments={"search": given})
    fresh_project.run("search", experiments={"search": {**given, "stop_after": None}})
    trials = pd.read_csv(fresh_project.path("08_reporting", "search", "trials.csv"))
    assert len(trials) == 3 and set(trials["status"]) <= {"finished", "pruned"}
    best = trials.loc[trials["validation_f1"].idxmax(), "trial"]
    assert best in fresh_project.path("08_reporting", "search", "report.html").read_text()
    (experiment,) = _runs(fresh_project, "experiment")
    runs = _runs(fresh_project, "trial")
    assert len(runs) == 3 and {run.data.tags["mlflow.parentRunId"] for run in runs} == {experiment.info.run_id}
    assert all("search.segmentation.learning_rate" in run.data.params for run in runs)
    assert {run.data.tags["trial_state"] for run in runs} == set(trials["status"])
    scored = pd.concat(
        pd.read_csv(path) for path in fresh_project.path("experiments", "search").glob("*/07_model_output/*/scores.csv")
    )
    assert set(scored["split"]) == {"val"}
