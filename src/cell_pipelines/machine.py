"""Describe this machine and this process's memory, on Linux, macOS and Windows.

psutil answers what all three systems count; it is imported only where asked, since its part for Linux needs `resource`.
What only one system counts, the largest memory of a process since a moment, is asked of that one, by files or modules
that may be missing.
"""

import os
import platform
import sys
from pathlib import Path

_PROCESSORS = Path("/proc/cpuinfo")
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
# What Linux takes as: forget the largest size so far.
_FORGET_PEAK = "5"


def processor_name() -> str:
    """Return the processor's name where the system tells it, else its architecture."""
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of processors that this process may use, 1 or more."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory_gb() -> float:
    """Return the memory of this machine in GB."""
    import psutil

    return float(psutil.virtual_memory().total) / 1e9


def available_mb() -> float:
    """Return the memory that is free for new work on this machine, in MB."""
    import psutil

    return float(psutil.virtual_memory().available) / 1e6


def resident_mb() -> float:
    """Return the memory that this process holds now, in MB."""
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


def forget_peak() -> None:
    """Let `peak_mb` count from now on; without effect on systems other than Linux."""
    try:
        _CLEAR.write_text(_FORGET_PEAK, encoding="utf-8")
    except OSError:
        return


def peak_mb() -> float:
    """Return the most memory that this process held since `forget_peak`, or ever where that can't be told, in MB."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return _largest_ever_mb()
    values = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(values[0]) * 1024 / 1e6 if values else _largest_ever_mb()


def _largest_ever_mb() -> float:
    import psutil

    largest = getattr(psutil.Process().memory_info(), "peak_wset", None)  # Windows
    if largest is not None:
        return float(largest) / 1e6
    try:
        import resource
    except ImportError:
        return resident_mb()  # no system that is known counts it nowhere; what is held now is the least it can be
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage / 1e6 if sys.platform == "darwin" else usage * 1024 / 1e6  # macOS counts bytes, others KiB
