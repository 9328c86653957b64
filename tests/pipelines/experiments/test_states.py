import subprocess
import sys
import time

import pytest

from cell_pipelines.pipelines.experiments.states import State, locked, read_state, write_state


def test_a_member_that_was_never_started_waits(tmp_path):
    assert read_state(tmp_path) == State()


def test_a_state_is_read_as_it_was_written(tmp_path):
    state = State("failed", "key", "run", 2.5, "why")
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


@pytest.mark.parametrize("text", ["", "{", "[]", '{"unknown": 1}'])
def test_a_damaged_state_is_named(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(ValueError, match=r"state\.json: expected the state of a member"):
        read_state(tmp_path)


def test_only_one_holds_a_lock_and_it_is_free_afterwards(tmp_path):
    path = tmp_path / "new" / "lock"
    again = locked(path, seconds=0, reason="taken.")
    with locked(path, seconds=0, reason="taken."), pytest.raises(RuntimeError, match=r"new: taken\."), again:
        pass
    with locked(path, seconds=0, reason="taken."):
        pass


def test_a_lock_that_a_child_inherits_lives_as_long_as_the_child(tmp_path):
    path = tmp_path / "lock"
    with locked(path, seconds=0, reason="taken.") as descriptor:
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(descriptor,)
        )
    with pytest.raises(RuntimeError), locked(path, seconds=0.3, reason="taken."):
        pass
    child.communicate()
    start = time.monotonic()
    with locked(path, seconds=5, reason="taken."):
        assert time.monotonic() - start < 5
