import math
import time

import psutil
import pytest

from cell_pipelines.inference.benchmark.cpu_contention import WorkMark, mark_work, share_of_others


def test_the_share_is_what_others_did_of_all_that_could_be_done():
    assert share_of_others(WorkMark(10, 100, 5), WorkMark(16, 110, 7)) == pytest.approx(0.4)
    assert share_of_others(WorkMark(0, 0, 0), WorkMark(4, 10, 4)) == 0


def test_rounding_of_the_clocks_gives_no_share_below_nothing_or_above_all():
    assert share_of_others(WorkMark(0, 0, 0), WorkMark(4, 10, 4.2)) == 0
    assert share_of_others(WorkMark(0, 0, 0), WorkMark(10.1, 10, 0)) == 1


def test_own_work_does_not_count():
    start = mark_work()
    begin = time.process_time()
    while time.process_time() - begin < 0.2:
        sum(range(1000))
    end = mark_work()
    assert end.own - start.own >= 0.15 and 0 <= share_of_others(start, end) <= 1


def test_a_system_that_says_nothing_gives_nan(monkeypatch):
    def refuse(*_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "cpu_times", refuse)
    assert mark_work() is None and math.isnan(share_of_others(mark_work(), mark_work()))
    assert math.isnan(share_of_others(WorkMark(1, 1, 1), WorkMark(1, 1, 1)))
