"""Time a call: warmed up, repeated, and reported with its spread."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# The first calls choose algorithms and fill caches.
_WARM_UP = 3


@dataclass(frozen=True)
class Timing:
    """Durations of repeated calls.

    Attributes:
        median_ms: Half of the calls were faster.
        low_ms: 5 % of the calls were faster.
        high_ms: 95 % of the calls were faster.
        calls: How many were timed.
    """

    median_ms: float
    low_ms: float
    high_ms: float
    calls: int


def time_calls(
    call: Callable[[], object], *, seconds: float = 2.0, least: int = 10, most: int = 1000, warm_up: int = _WARM_UP
) -> Timing:
    """Time a call again and again.

    Args:
        call: Returns when its work is done; on a GPU it must wait for it.
        seconds: How long to go on.
        least: Calls that are timed even when they take longer than `seconds` together.
        most: Calls after which it ends anyway.
        warm_up: Calls before the first that is timed.

    Raises:
        ValueError: `least` is less than 1 or more than `most`.
    """
    if not 1 <= least <= most:
        raise ValueError(f"`least` must be 1 or more and at most `most` ({most}), got {least}.")
    for _ in range(warm_up):
        call()
    durations: list[float] = []
    while len(durations) < most and (len(durations) < least or sum(durations) < seconds):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    low, median, high = np.percentile(np.array(durations) * 1e3, (5, 50, 95))
    return Timing(float(median), float(low), float(high), len(durations))
