import time

import pytest

from cell_pipelines.inference.timing import time_calls


def test_the_median_is_that_of_the_calls_after_the_warm_up():
    durations = iter([0.02, 0.02, 0.002, 0.002, 0.004, 0.002, 0.002])
    timing = time_calls(lambda: time.sleep(next(durations)), seconds=0, least=5, warm_up=2)
    assert timing.calls == 5 and 1.9 < timing.median_ms < 3.5
    assert timing.low_ms <= timing.median_ms <= timing.high_ms


def test_it_goes_on_for_the_seconds_but_not_beyond_the_most():
    timing = time_calls(lambda: time.sleep(0.001), seconds=0.05, least=1)
    assert 5 <= timing.calls <= 51
    assert time_calls(lambda: None, seconds=1, most=7, least=1).calls == 7


def test_slow_calls_are_timed_a_few_times_all_the_same():
    assert time_calls(lambda: time.sleep(0.01), seconds=0.001, least=3, warm_up=0).calls == 3


@pytest.mark.parametrize("least", [0, 6])
def test_bounds_that_leave_nothing_are_refused(least):
    with pytest.raises(ValueError, match="`least` must be"):
        time_calls(lambda: None, least=least, most=5)
