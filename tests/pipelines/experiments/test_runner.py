"""The runner with trials that are small scripts in place of trainings."""

import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest
import yaml

from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.experiments import runner as runner_module
from cell_pipelines.pipelines.experiments.runner import Runner, write_command
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state
from cell_pipelines.pipelines.experiments.trials import Trial

#: What stands in for a training: it does as its trial's name says, and notes when it ran and where.
SCRIPT = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[-1]).parent
with (folder / "started").open("a") as file:
    file.write(os.environ.get("CUDA_VISIBLE_DEVICES", "none") + "\\n")
if folder.name.startswith("crash"):
    raise ValueError("the images are gone")
if folder.name.startswith("kill"):
    os.kill(os.getpid(), 9)
if folder.name.startswith("slow"):
    sys.stdin.read()  # as a trial that waits for the call to end
time.sleep(0.2)
(folder / "ended").write_text(str(time.monotonic()))
"""


@dataclass
class Runs:
    """Stands in for MLflow, and remembers what it was told."""

    ended: list = field(default_factory=list)

    def open_trial(self, name, model):
        return f"run of {name}"

    def end_trial(self, run_id, status):
        self.ended.append((run_id, status))


@pytest.fixture
def create(tmp_path, monkeypatch):
    script = tmp_path / "trial.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr(runner_module, "python_command", lambda: [sys.executable, str(script)])

    def _create(devices=("auto",)):
        return Runner(Invocation(tmp_path), tmp_path / "grid", Runs(), devices)

    return _create


def trials(*names):
    return [(Trial(name, "unet"), f"key of {name}") for name in names]


def test_a_crash_is_marked_with_its_reason_and_the_others_go_on(create, tmp_path):
    runner = create()
    runner.run(trials("a", "crash", "kill", "b"), total=4)
    states = {name: read_state(tmp_path / "grid" / name) for name in ("a", "crash", "kill", "b")}
    assert {name: s.status for name, s in states.items()} == {
        "a": "finished", "crash": "failed", "kill": "failed", "b": "finished",
    }  # fmt: skip
    assert states["crash"].error == "ValueError: the images are gone"
    assert states["kill"].error == f"ended by signal {signal.SIGKILL.value}"
    assert states["a"].run_id == "run of a"
    assert states["a"].key == "key of a"
    assert ("run of crash", "FAILED") in runner.runs.ended


@pytest.mark.parametrize("places", [1, 2])
def test_no_more_trials_run_at_once_than_there_are_places(create, tmp_path, places):
    runner = create(["auto"] * places)
    most = []
    watching = threading.Event()

    def watch():
        while not watching.is_set():
            most.append(len(runner._processes))
            time.sleep(0.005)

    thread = threading.Thread(target=watch)
    thread.start()
    runner.run(trials("a", "b", "c", "d"), total=4)
    watching.set()
    thread.join()
    assert max(most) == places


def test_each_device_gets_its_trials(create, tmp_path):
    create(["0", "1"]).run(trials("a", "b", "c", "d"), total=4)
    devices = {(tmp_path / "grid" / name / "started").read_text().strip() for name in "abcd"}
    assert devices == {"0", "1"}


def test_a_trial_that_was_killed_goes_on_and_its_run_is_closed(create, tmp_path):
    (tmp_path / "grid" / "a").mkdir(parents=True)
    write_state(tmp_path / "grid" / "a", State("running", "key of a", "old run"))
    runner = create()
    runner.run(trials("a", "b"), total=2)
    assert ("old run", "KILLED") in runner.runs.ended
    run = yaml.safe_load((tmp_path / "grid" / "a" / "trial.yml").read_text())["run"]
    assert run["params"]["segmentation"] == {"resume": True}
    assert "segmentation" not in yaml.safe_load((tmp_path / "grid" / "b" / "trial.yml").read_text())["run"]["params"]


def test_an_interrupted_call_ends_its_trials_and_leaves_the_rest_waiting(create, tmp_path, monkeypatch):
    runner = create()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner_module.Runner, "_report_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner.run(trials("a", "slow", "b"), total=3)
    assert read_state(tmp_path / "grid" / "b").status == "waiting"
    assert not runner._processes
    assert not (tmp_path / "grid" / "slow" / "ended").exists()


def test_the_file_of_a_trial_holds_all_that_starts_it_again(tmp_path):
    (tmp_path / "m").mkdir()
    invocation = Invocation(
        tmp_path, "cll", "conf", ("architecture_grid",),
        {"segmentation": {"epochs": 3, "batch": 2}, "experiments": {"x": 1}, "models": "yolo", "dry_run": False},
    )  # fmt: skip
    trial = Trial("m", "unet", {"encoder": "vgg19"}, {"unet.encoder": "vgg19", "segmentation.epochs": 1})
    write_command(invocation, trial, tmp_path / "m", resume=False)
    assert yaml.safe_load((tmp_path / "m" / "trial.yml").read_text()) == {
        "run": {
            "pipelines": "train_unet,evaluation", "from_inputs": "prepared_annotations", "env": "cll",
            "conf_source": "conf",
            "params": {
                "segmentation": {"epochs": 1, "batch": 2}, "unet": {"encoder": "vgg19"}, "models": "unet",
                "results": str(tmp_path / "m"), "run_name": "m",
            },
        }
    }  # fmt: skip
