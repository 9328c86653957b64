"""A log holds what takes long, and about ten epochs of a training."""

import io

import pytest
from rich.console import Console

from cell_pipelines import progress


@pytest.fixture
def shown(monkeypatch):
    """What a progress bar writes into a file that is no terminal."""
    stream = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=stream))
    return stream


def work():
    with progress.create_progress() as bar:
        task = bar.add_task("drawing", total=1)
        bar.advance(task)


def test_quick_work_leaves_nothing_in_a_log(shown):
    work()
    assert shown.getvalue() == ""


def test_long_work_leaves_one_line_in_a_log(shown, monkeypatch):
    monkeypatch.setattr(progress, "_WORTH_KEEPING", 0.0)
    work()
    assert shown.getvalue().startswith("drawing")
    assert shown.getvalue().count("\n") == 1


@pytest.mark.parametrize("epochs", [1, 2, 9, 10, 11, 25, 99, 200, 1000])
def test_at_most_eleven_epochs_of_a_training_are_told_and_always_the_last(epochs):
    told = [epoch for epoch in range(1, epochs + 1) if progress.is_told(epoch, epochs)]
    assert min(epochs, 5) <= len(told) <= 11
    assert told[-1] == epochs
