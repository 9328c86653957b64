"""A signal ends a command in one sentence, with the status of the signal, and nothing half written is left."""

import os
import subprocess
import sys

import pytest

from cell_pipelines.files import atomic_folder, atomic_path
from cell_pipelines.unfinished import remove_unfinished, scratch_folder

COMMANDS = {
    "count": ("count", ["cells", "--model", "{model}", "--out", "out"]),
    "evaluate": ("evaluate", ["cells", "labels", "--model", "{model}", "--out", "out"]),
    "convert": ("convert", ["labels", "out", "--format", "yolo", "--images", "cells"]),
}
ENDS = {"SIGTERM": SystemExit(143), "SIGINT": KeyboardInterrupt()}
STATUS = {"SIGTERM": 143, "SIGINT": 130}
SENTENCE = "Interrupted: nothing half written is left."

IN_A_PROCESS = """
import os, signal, sys
from cell_pipelines import files
from cell_pipelines.__main__ import main

signal.signal(signal.SIGINT, signal.default_int_handler)
files._sync_folder = lambda _: os.kill(os.getpid(), getattr(signal, sys.argv[1]))
main(sys.argv[2:])
"""


@pytest.mark.parametrize("name", STATUS)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_interruption_in_the_middle_of_writing_leaves_nothing(
    command, name, invoke, labelled, squares_model, monkeypatch, tmp_path
):
    def interrupt(_):
        raise ENDS[name]

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("cell_pipelines.files._sync_folder", interrupt)
    function, words = COMMANDS[command]
    result = invoke(function, *(word.format(model=squares_model) for word in words))
    assert result.exit_code == STATUS[name], result.output
    assert SENTENCE in result.output.splitlines()
    assert sorted(path.name for path in labelled.iterdir()) == ["cells", "labels"]
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.exhaustive
@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at once")
@pytest.mark.parametrize("name", STATUS)
def test_a_signal_is_an_interruption(name, labelled, squares_model, tmp_path):
    (tmp_path / "temporary").mkdir()
    words = ["count", "cells", "--model", str(squares_model), "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, name, *words], capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
    )  # fmt: skip
    assert done.returncode == STATUS[name], done.stderr
    assert SENTENCE in done.stderr.splitlines()
    assert sorted(path.name for path in labelled.iterdir()) == ["cells", "labels"]
    assert not list((tmp_path / "temporary").glob("cell_pipelines_*"))


def test_where_the_process_ends_at_once_what_is_unfinished_is_removed(tmp_path):
    with (
        atomic_folder(tmp_path / "folder") as folder,
        atomic_path(tmp_path / "file.csv") as file,
        scratch_folder() as own,
    ):
        file.write_text("half")
        (folder / "a.csv").write_text("half")
        remove_unfinished()
        assert not list(tmp_path.iterdir()) and not own.exists()
        folder.mkdir()
        file.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.csv", "folder"]
