import mmap
import sys

import numpy as np
import psutil
import pytest

from cell_pipelines import machine
from cell_pipelines.machine import available_mb, forget_peak, peak_mb, processor_name, resident_mb, usable_cores


def test_a_large_array_is_seen_while_it_is_there_and_in_the_peak_afterwards():
    before = resident_mb()
    forget_peak()
    # Memory of its own: what earlier tests have freed may be given again without the process growing.
    with mmap.mmap(-1, 64_000_000) as memory:
        np.frombuffer(memory, dtype=np.uint8)[:] = 1
        assert resident_mb() - before == pytest.approx(64, abs=8)
    assert peak_mb() - before == pytest.approx(64, abs=8) or sys.platform != "linux"


def test_there_is_memory_left():
    assert 0 < resident_mb() <= peak_mb() + 1
    assert 0 < available_mb() / 1e3 < machine.total_memory_gb()


def test_a_system_without_the_files_of_linux_gives_the_largest_ever(monkeypatch, tmp_path):
    for name in ("_STATUS", "_CLEAR"):
        monkeypatch.setattr(machine, name, tmp_path / "missing" / name)
    forget_peak()
    assert peak_mb() >= resident_mb() * 0.9 > 1


def test_windows_is_asked_for_its_peak_and_a_system_without_either_for_what_is_held(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_STATUS", tmp_path / "missing")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_mb() == pytest.approx(resident_mb(), rel=0.05)
    info = type("Info", (), {"rss": 3e6, "peak_wset": 7_000_000})()
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: info)
    assert peak_mb() == 7.0


def test_the_processor_has_a_name_on_any_system(monkeypatch, tmp_path):
    assert processor_name()
    monkeypatch.setattr(machine, "_PROCESSORS", tmp_path / "missing")
    assert isinstance(processor_name(), str)


def test_a_system_that_binds_no_process_to_cores_gives_all(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert usable_cores() == (psutil.cpu_count() or 1)
