from types import SimpleNamespace

import pytest

from cell_pipelines.inference.benchmark import timing
from cell_pipelines.inference.benchmark.timing import time_calls


@pytest.fixture
def clock(monkeypatch):
    """A clock that only calls move, so that nothing else on the machine does."""
    hands = SimpleNamespace(now=0.0)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: hands.now)

    def taking(*seconds):
        durations = iter(seconds)

        def call():
            hands.now += next(durations)

        return call

    return taking


def test_the_median_is_that_of_the_calls_after_the_warm_up(clock):
    found = time_calls(clock(0.02, 0.02, 0.002, 0.002, 0.004, 0.002, 0.002), seconds=0, least=5, warm_up=2)
    assert found.calls == 5
    assert found.median_ms == pytest.approx(2)
    assert found.low_ms == pytest.approx(2) and 3 < found.high_ms < 4


def test_it_goes_on_for_the_seconds_but_not_beyond_the_most(clock):
    assert time_calls(clock(*[0.001] * 60), seconds=0.0495, least=1).calls == 50
    assert time_calls(clock(*[0.001] * 60), seconds=1, most=7, least=1).calls == 7


def test_slow_calls_are_timed_a_few_times_all_the_same(clock):
    assert time_calls(clock(*[0.01] * 5), seconds=0.001, least=3, warm_up=0).calls == 3


@pytest.mark.parametrize("least", [0, 6])
def test_bounds_that_leave_nothing_are_refused(least):
    with pytest.raises(ValueError, match="`least` must be"):
        time_calls(lambda: None, least=least, most=5)
