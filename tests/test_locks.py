import json
import subprocess
import sys
import threading

import pytest

from cell_pipelines.files import WriteError
from cell_pipelines.locks import LockedError, locked, release_lock, take_lock

HOLD = """
import pathlib, sys
from cell_pipelines.locks import locked
with locked(pathlib.Path({path!r}), reason="taken"):
    print("held", flush=True)
    sys.stdin.read(3)
"""


@pytest.fixture
def hold(tmp_path):
    path = tmp_path / "new" / "lock"
    command = [sys.executable, "-c", HOLD.format(path=str(path))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield path, process
    process.kill()
    process.communicate()


def test_another_process_is_named_that_holds_a_lock_and_it_is_free_when_that_one_was_killed(hold):
    path, process = hold
    with pytest.raises(LockedError, match=rf"^taken by a run \(process {process.pid}, since 20"):
        take_lock(path, reason="taken by a run", seconds=0.1)
    process.kill()
    process.wait()
    with locked(path, reason="taken", seconds=5):
        assert json.loads(path.with_name("lock.holder").read_text())["pid"] != process.pid


def test_a_lock_is_waited_for(hold):
    path, process = hold
    threading.Timer(0.5, process.stdin.write, [b"end"]).start()
    threading.Timer(0.6, process.stdin.flush).start()
    with locked(path, reason="taken", seconds=-1):
        assert process.wait(10) == 0


def test_a_lock_that_is_given_back_leaves_no_note_of_its_holder(tmp_path):
    lock = take_lock(tmp_path / "lock", reason="taken")
    assert (tmp_path / "lock.holder").is_file()
    release_lock(lock)
    assert not (tmp_path / "lock.holder").exists()


def test_a_lock_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(WriteError, match=r"file: this folder can't be written into"),
        locked(tmp_path / "file" / "lock", reason="x"),
    ):
        pass
