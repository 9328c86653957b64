"""Pipelines as a person starts them: no host is looked up, and nothing of Ultralytics lies in the user's home."""

import subprocess
import sys

import pytest

from .conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

# Read by every Python process that a run starts, before anything else.
WATCHER = """
import os, sys
_LOG = {log!r}
def _watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        if arguments[0] not in (None, "", "localhost", "127.0.0.1", "::1"):
            with open(_LOG, "a") as file:
                file.write(repr(arguments[0]) + "\\n")
sys.addaudithook(_watch)
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Return what runs words of `kedro run` in a process of its own with next to no environment."""
    from .conftest import Project

    project = Project(tmp_path_factory.mktemp("offline"))
    home, watcher = project.folder / "home", project.folder / "watcher"
    for folder in (home, watcher):
        folder.mkdir()
    log = project.folder / "looked_up"
    (watcher / "sitecustomize.py").write_text(WATCHER.format(log=str(log)))
    given = ("CELL_DATA_ROOT", "CELL_ARTIFACT_ROOT", "MLFLOW_TRACKING_URI")
    environment = {
        "HOME": str(home), "PYTHONPATH": f"{watcher}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1",
        **{name: project.environment[name] for name in given},
    }  # fmt: skip

    def run(pipeline, parameters=""):
        command = [sys.executable, "-m", "kedro", "run", "--env=test", f"--pipelines={pipeline}"]
        command += [f"--params={parameters.format(folder=project.folder)}"] if parameters else []
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert not log.exists(), log.read_text()
        assert not (home / ".config" / "Ultralytics").exists()

    return run


@pytest.mark.parametrize(
    ("pipeline", "parameters"),
    [
        ("sample_data", ""),
        ("train_yolo", "yolo.epochs=1,models=yolo"),
        ("evaluation", "models=yolo"),
        ("prediction", "model={folder}/data/test/06_models/yolo.pt,images={folder}/data/test/01_raw/images"),
        (
            "benchmark_models",
            "models=yolo,benchmark_models.engines=[pytorch],benchmark_models.batches=[1],benchmark_models.seconds=0.05",
        ),
        ("reporting", "models=yolo"),
    ],
)
def test_a_pipeline_asks_no_host_and_leaves_the_home_of_ultralytics_alone(watched, pipeline, parameters):
    # In the order above: each one needs what those before it made.
    watched(pipeline, parameters)
