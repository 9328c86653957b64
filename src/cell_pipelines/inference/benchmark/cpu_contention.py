"""Measure CPU contention: how much of the processors other programs took while something was measured."""

import os
from dataclasses import dataclass
from pathlib import Path

_STATISTICS = Path("/proc/stat")
# Of the columns that Linux counts: idle, and waiting for a disk.
_IDLE = (3, 4)
_COLUMNS = 8


@dataclass(frozen=True)
class WorkMark:
    """The processors' work until a moment, in seconds over all of them.

    Attributes:
        busy: By anybody.
        total: Idle included.
        own: By this process.
    """

    busy: float
    total: float
    own: float


def mark_work() -> WorkMark | None:
    """Return the work until now; None where the system doesn't say."""
    try:
        words = _STATISTICS.read_text().split("\n", 1)[0].split()[1 : 1 + _COLUMNS]
    except OSError:
        return None
    ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in words]
    own = os.times()
    total = sum(ticks)
    return WorkMark(total - sum(ticks[place] for place in _IDLE), total, own.user + own.system)


def share_of_others(start: WorkMark | None, end: WorkMark | None) -> float:
    """Return which share of all processors' time went to others between two moments, in [0, 1]; nan where unknown."""
    if start is None or end is None or end.total <= start.total:
        return float("nan")
    others = (end.busy - start.busy) - (end.own - start.own)
    return min(max(others / (end.total - start.total), 0.0), 1.0)
