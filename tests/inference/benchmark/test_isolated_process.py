import os
import signal

import pytest

from cell_pipelines.inference.benchmark.isolated_process import ProcessEndedError, call_in_isolated_process


def tell(value):
    return os.getpid(), value


def fail():
    raise KeyError("nothing there")


def vanish():
    os.kill(os.getpid(), signal.SIGKILL)


def test_work_is_done_elsewhere_and_its_result_comes_back():
    process, value = call_in_isolated_process(tell, {"a": [1, 2]})
    assert process != os.getpid() and value == {"a": [1, 2]}


def test_what_is_raised_there_is_raised_here():
    with pytest.raises(RuntimeError, match="KeyError: 'nothing there'"):
        call_in_isolated_process(fail)


def test_a_process_that_is_killed_is_told_of():
    with pytest.raises(ProcessEndedError, match=r"ended unexpectedly, with exit code -9"):
        call_in_isolated_process(vanish)
