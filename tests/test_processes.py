"""Ended processes are recognised, tried on real ones."""

import multiprocessing
import os
import subprocess
import sys
import time

import psutil
import pytest

from cell_pipelines import processes
from cell_pipelines.processes import ProcessIdentity, this_process

ASK = "from cell_pipelines.processes import this_process; print(this_process(), flush=True); input()"


def start(code=ASK):
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def waiting():
    process = start()
    yield process
    process.kill()
    process.communicate()


def test_an_identity_is_read_as_it_was_written_and_nothing_else_is_one():
    assert ProcessIdentity.parse(str(this_process())) == this_process()
    for text in ("", "1-2-3-4", f"{this_process()}-", f" {this_process()}", "zzzzzzzz-00000000-1-1"):
        assert ProcessIdentity.parse(text) is None


def test_a_process_is_gone_when_it_was_killed_even_before_its_parent_has_collected_it(waiting):
    identity = ProcessIdentity.parse(waiting.stdout.readline().strip())
    assert identity.pid == waiting.pid
    assert not identity.is_gone()
    waiting.kill()
    until = time.monotonic() + 10
    while not identity.is_gone() and time.monotonic() < until:
        time.sleep(0.01)
    assert identity.is_gone()
    waiting.wait()
    assert identity.is_gone()


def test_another_process_of_the_same_number_does_not_stand_for_one_that_is_gone():
    me = this_process()
    assert not me.is_gone()
    assert ProcessIdentity(me.host, me.boot, me.pid, me.started - 1).is_gone()


def test_of_another_machine_nothing_is_certain_and_of_an_earlier_start_of_this_one_all_is_gone():
    me = this_process()
    assert not ProcessIdentity("0" * 8, me.boot, 1, 1).is_gone()
    assert ProcessIdentity(me.host, "f" * 8, me.pid, me.started).is_gone()


def test_where_there_is_no_proc_the_start_is_asked_of_the_system(waiting):
    waiting.stdout.readline()
    before = processes._started_elsewhere(waiting.pid)
    assert before is not None and before == processes._started_elsewhere(waiting.pid)
    waiting.kill()
    waiting.wait()
    assert processes._started_elsewhere(waiting.pid) is None


ENDING = """
import psutil, subprocess, sys
from cell_pipelines.processes import end_children
ask = "print('up', flush=True); input()"
refuse = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
children = [
    subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for code in (ask, refuse + ask)
]
for child in children:
    child.stdout.readline()
end_children(0.3)
for child in children:
    child.wait(10)
print(*(psutil.pid_exists(child.pid) for child in children))
"""


def test_children_are_ended_those_that_refuse_too():
    # In a process of its own, since those that other tests have started are children of this one.
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "False"], done.stderr


def _wait_with_parent(ready):
    processes.end_with_parent()
    ready.put(os.getpid())
    time.sleep(60)


def _start_worker(pids):
    context = multiprocessing.get_context("spawn")
    ready = context.SimpleQueue()
    context.Process(target=_wait_with_parent, args=(ready,)).start()
    pids.put(ready.get())
    time.sleep(60)


def test_a_worker_ends_when_the_process_that_started_it_was_killed():
    context = multiprocessing.get_context("spawn")
    pids = context.SimpleQueue()
    parent = context.Process(target=_start_worker, args=(pids,))
    parent.start()
    worker = psutil.Process(pids.get())
    parent.kill()
    parent.join()
    gone, _ = psutil.wait_procs([worker], timeout=10)
    assert gone or worker.status() == psutil.STATUS_ZOMBIE
