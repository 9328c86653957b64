"""How much memory this process holds, held at most since asked, and may still take."""

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_MEMORY = Path("/proc/meminfo")
# What Linux takes as: forget the largest size so far.
_FORGET_PEAK = "5"


def resident_mb() -> float:
    """Return the memory that this process holds now, in MB; where the system doesn't say, the most it ever held."""
    found = _read_kb(_STATUS, "VmRSS")
    return _largest_ever_mb() if found is None else found * 1024 / 1e6


def forget_peak() -> None:
    """Let `peak_mb` count from now on; without effect where the system can't."""
    try:
        _CLEAR.write_text(_FORGET_PEAK)
    except OSError:
        return


def peak_mb() -> float:
    """Return the most memory that this process held since `forget_peak`, or ever where that can't be told, in MB."""
    found = _read_kb(_STATUS, "VmHWM")
    return _largest_ever_mb() if found is None else found * 1024 / 1e6


def available_mb() -> float:
    """Return the memory that is free for new work on this machine, in MB; infinite where the system doesn't say."""
    found = _read_kb(_MEMORY, "MemAvailable")
    return float("inf") if found is None else found * 1024 / 1e6


def _read_kb(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(values[0]) if values else None


def _largest_ever_mb() -> float:
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6  # macOS counts bytes, Linux KiB
