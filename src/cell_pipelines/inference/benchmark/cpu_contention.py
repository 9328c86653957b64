"""Measure CPU contention: how much of the processors other programs took while something was measured."""

import os
from dataclasses import dataclass

_IDLE = ("idle", "iowait")
# Linux counts the work of guests as its users' work, too.
_COUNTED_TWICE = ("guest", "guest_nice")


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
    import psutil

    try:
        seconds = psutil.cpu_times()._asdict()
    except (OSError, psutil.Error):
        return None
    own = os.times()
    total = sum(value for name, value in seconds.items() if name not in _COUNTED_TWICE)
    return WorkMark(total - sum(seconds.get(name, 0.0) for name in _IDLE), total, own.user + own.system)


def share_of_others(start: WorkMark | None, end: WorkMark | None) -> float:
    """Return which share of all processors' time went to others between two moments, in [0, 1]; nan where unknown."""
    if start is None or end is None or end.total <= start.total:
        return float("nan")
    others = (end.busy - start.busy) - (end.own - start.own)
    return min(max(others / (end.total - start.total), 0.0), 1.0)
