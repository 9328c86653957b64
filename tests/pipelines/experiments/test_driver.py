"""The driver with members that are small scripts in place of trainings."""

import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest
import yaml

from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.experiments import driver as driver_module
from cell_pipelines.pipelines.experiments.driver import Driver, write_command
from cell_pipelines.pipelines.experiments.members import Member
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state

#: What stands in for a training: it does as its member's name says, and notes when it ran and where.
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
    sys.stdin.read()  # as a member that waits for the call to end
time.sleep(0.2)
(folder / "ended").write_text(str(time.monotonic()))
"""


@dataclass
class Runs:
    """Stands in for MLflow, and remembers what it was told."""

    ended: list = field(default_factory=list)

    def open_member(self, name, model):
        return f"run of {name}"

    def end_member(self, run_id, status):
        self.ended.append((run_id, status))


@pytest.fixture
def create(tmp_path, monkeypatch):
    script = tmp_path / "member.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr(driver_module, "python_command", lambda: [sys.executable, str(script)])

    def _create(devices=("auto",)):
        return Driver(Invocation(tmp_path), tmp_path / "grid", Runs(), devices)

    return _create


def members(*names):
    return [(Member(name, "unet"), f"key of {name}") for name in names]


def test_a_crash_is_marked_with_its_reason_and_the_others_go_on(create, tmp_path):
    driver = create()
    driver.run(members("a", "crash", "kill", "b"))
    states = {name: read_state(tmp_path / "grid" / name) for name in ("a", "crash", "kill", "b")}
    assert {name: s.status for name, s in states.items()} == {
        "a": "finished", "crash": "failed", "kill": "failed", "b": "finished",
    }  # fmt: skip
    assert states["crash"].error == "ValueError: the images are gone"
    assert states["kill"].error == f"ended by signal {signal.SIGKILL.value}"
    assert states["a"].run_id == "run of a"
    assert states["a"].key == "key of a"
    assert ("run of crash", "FAILED") in driver.runs.ended


@pytest.mark.parametrize("places", [1, 2])
def test_no_more_members_run_at_once_than_there_are_places(create, tmp_path, places):
    driver = create(["auto"] * places)
    most = []
    watching = threading.Event()

    def watch():
        while not watching.is_set():
            most.append(len(driver._processes))
            time.sleep(0.005)

    thread = threading.Thread(target=watch)
    thread.start()
    driver.run(members("a", "b", "c", "d"))
    watching.set()
    thread.join()
    assert max(most) == places


def test_each_device_gets_its_members(create, tmp_path):
    create(["0", "1"]).run(members("a", "b", "c", "d"))
    devices = {(tmp_path / "grid" / name / "started").read_text().strip() for name in "abcd"}
    assert devices == {"0", "1"}


def test_a_member_that_was_killed_goes_on_and_its_run_is_closed(create, tmp_path):
    (tmp_path / "grid" / "a").mkdir(parents=True)
    write_state(tmp_path / "grid" / "a", State("running", "key of a", "old run"))
    driver = create()
    driver.run(members("a", "b"))
    assert ("old run", "KILLED") in driver.runs.ended
    run = yaml.safe_load((tmp_path / "grid" / "a" / "member.yml").read_text())["run"]
    assert run["params"]["segmentation"] == {"resume": True}
    assert "segmentation" not in yaml.safe_load((tmp_path / "grid" / "b" / "member.yml").read_text())["run"]["params"]


def test_an_interrupted_call_ends_its_members_and_leaves_the_rest_waiting(create, tmp_path, monkeypatch):
    driver = create()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(driver_module.Driver, "_tell", interrupt)
    with pytest.raises(KeyboardInterrupt):
        driver.run(members("a", "slow", "b"))
    assert read_state(tmp_path / "grid" / "b").status == "waiting"
    assert not driver._processes
    assert not (tmp_path / "grid" / "slow" / "ended").exists()


def test_the_file_of_a_member_holds_all_that_starts_it_again(tmp_path):
    (tmp_path / "m").mkdir()
    invocation = Invocation(
        tmp_path, "cll", "conf", ("architecture_grid",),
        {"segmentation": {"epochs": 3, "batch": 2}, "experiments": {"x": 1}, "models": "yolo", "dry_run": False},
    )  # fmt: skip
    member = Member("m", "unet", {"encoder": "vgg19"}, {"unet.encoder": "vgg19", "segmentation.epochs": 1})
    write_command(invocation, member, tmp_path / "m", resume=False)
    assert yaml.safe_load((tmp_path / "m" / "member.yml").read_text()) == {
        "run": {
            "pipelines": "train_unet,evaluation", "from_inputs": "prepared_annotations", "env": "cll",
            "conf_source": "conf",
            "params": {
                "segmentation": {"epochs": 1, "batch": 2}, "unet": {"encoder": "vgg19"}, "models": "unet",
                "results": str(tmp_path / "m"), "run_name": "m",
            },
        }
    }  # fmt: skip
