"""Runs that are asked to end while they do what hides it, each a process of its own."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

START = """
import atexit, ctypes, hashlib, os, pathlib, signal, subprocess, sys, threading, time, weakref
from concurrent.futures import ThreadPoolExecutor
from cell_pipelines import termination
termination.GRACE_S, termination.CHILDREN_S = {grace}, 1.0
marked = pathlib.Path({folder!r}) / "marked"
def run():
    print("started", flush=True)
{body}
with termination.exit_status():
    guard = termination.watch_signals(lambda: marked.write_text("KILLED"))
    atexit.register(guard.leave)
    run()
    guard.check()
    print("finished")
"""
FRIENDLY = {
    "sleeping": "time.sleep(60)",
    "waiting for a process": "subprocess.run(['sleep', '60'])",
    "waiting for a lock": "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "in callbacks of weak references": """
        class Thing: pass
        until = time.monotonic() + 20
        while time.monotonic() < until:
            thing = Thing()
            ref = weakref.ref(thing, lambda _: time.sleep(0.1))
            del thing
            time.sleep(0.02)""",
    "in finalizers": """
        class Thing:
            def __del__(self): time.sleep(0.1)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            Thing()
            time.sleep(0.02)""",
    "in a library that goes on after one exception": """
        try:
            time.sleep(60)
        except BaseException:
            pass""",
    "in a library that raises an error of its own": """
        try:
            time.sleep(60)
        except BaseException as error:
            raise RuntimeError("the worker died") from error""",
    "with what takes long when Python ends": """
        class Slow:
            def __del__(self): time.sleep(30)
        atexit._slow = Slow()
        time.sleep(60)""",
    "in a library that ends with a status of its own": """
        try:
            time.sleep(60)
        except BaseException:
            sys.exit(0)""",
}
STUBBORN = {
    "in a library that catches all": """
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass""",
    "in compiled code": "hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)",
    "waiting for threads": """
        with ThreadPoolExecutor() as pool:
            pool.submit(time.sleep, 60).result()""",
    "with handlers that a library has put there": """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        while True:
            time.sleep(1)""",
}


def start(body, tmp_path, grace):
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines()) if "\n" not in body else body[1:]
    lines = lines if "\n" not in body else "\n".join(line[4:] for line in lines.splitlines())
    code = START.format(grace=grace, folder=str(tmp_path), body=lines)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "started\n", process.stderr.read()
    time.sleep(0.3)
    return process


def end(process, sent):
    begun = time.monotonic()
    process.send_signal(sent)
    try:
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, output, errors, time.monotonic() - begun


@pytest.mark.quick(sent=[signal.SIGTERM])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("doing", FRIENDLY)
def test_a_run_ends_by_itself_and_is_marked(doing, sent, tmp_path):
    code, output, errors, seconds = end(start(FRIENDLY[doing], tmp_path, grace=50), sent)
    assert code == 128 + sent, errors
    assert "finished" not in output
    assert (tmp_path / "marked").read_text() == "KILLED"
    assert "has not; it is ended now" not in errors
    assert seconds < 15


@pytest.mark.quick(sent=[signal.SIGINT])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("doing", STUBBORN)
def test_a_run_that_does_not_end_by_itself_is_ended_and_marked(doing, sent, tmp_path):
    code, output, errors, seconds = end(start(STUBBORN[doing], tmp_path, grace=0.5), sent)
    assert code == 128 + sent, errors
    assert "finished" not in output
    assert (tmp_path / "marked").read_text() == "KILLED"
    assert seconds < 30


def test_processes_of_a_run_that_is_ended_end_with_it(tmp_path):
    body = """
        process = subprocess.Popen([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"])
        (marked.parent / "pid").write_text(str(process.pid))
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass"""
    process = start(body, tmp_path, grace=0.5)
    child = psutil.Process(int((tmp_path / "pid").read_text()))
    assert end(process, signal.SIGTERM)[0] == 143
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone or child.status() == psutil.STATUS_ZOMBIE


def test_signals_are_left_as_they_were_and_what_is_ignored_stays_so(monkeypatch):
    from cell_pipelines.termination import TerminationGuard

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    hook = sys.unraisablehook
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        guard = TerminationGuard(lambda: None)
        guard.install()
        assert signal.getsignal(signal.SIGTERM) == guard._interrupt
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        guard.remove()
        guard.remove()
    finally:
        signal.signal(signal.SIGHUP, before[signal.SIGHUP])
    assert {number: signal.getsignal(number) for number in before} == before
    assert sys.unraisablehook is hook
    guard.check()


def test_a_prompt_keeps_its_own_signals(monkeypatch):
    from cell_pipelines.termination import TerminationGuard

    monkeypatch.setattr(sys, "ps1", "> ", raising=False)
    before = signal.getsignal(signal.SIGINT)
    guard = TerminationGuard(lambda: None)
    guard.install()
    assert signal.getsignal(signal.SIGINT) is before
    guard.remove()
