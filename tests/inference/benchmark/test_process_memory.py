import mmap

import numpy as np
import pytest

from cell_pipelines.inference.benchmark import process_memory
from cell_pipelines.inference.benchmark.process_memory import available_mb, forget_peak, peak_mb, resident_mb


def test_a_large_array_is_seen_while_it_is_there_and_in_the_peak_afterwards():
    before = resident_mb()
    forget_peak()
    # Memory of its own: what earlier tests have freed may be given again without the process growing.
    with mmap.mmap(-1, 64_000_000) as memory:
        np.frombuffer(memory, dtype=np.uint8)[:] = 1
        assert resident_mb() - before == pytest.approx(64, abs=8)
    assert peak_mb() - before == pytest.approx(64, abs=8)


def test_there_is_memory_left():
    assert 0 < resident_mb() <= peak_mb() + 1 and available_mb() > 0


def test_a_system_that_says_nothing_gives_the_largest_ever(monkeypatch, tmp_path):
    for name in ("_STATUS", "_CLEAR", "_MEMORY"):
        monkeypatch.setattr(process_memory, name, tmp_path / "missing" / name)
    forget_peak()
    assert resident_mb() == peak_mb() > 1 and available_mb() == float("inf")
