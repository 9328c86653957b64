import pytest

from cell_pipelines.pipelines.experiments.states import State, read_state, write_state


def test_a_trial_that_was_never_started_waits(tmp_path):
    assert read_state(tmp_path) == State()


def test_a_state_is_read_as_it_was_written(tmp_path):
    state = State("failed", "key", "run", 2.5, "why")
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


@pytest.mark.parametrize("text", ["", "{", "[]", '{"unknown": 1}'])
def test_a_damaged_state_is_named(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(ValueError, match=r"state\.json: expected the state of a trial"):
        read_state(tmp_path)
