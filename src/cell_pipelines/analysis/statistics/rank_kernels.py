"""Compiled selection among all differences between two lists, without ever holding them all."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))


@_compiled
def select_difference(first: Any, second: Any, rank: int) -> float:
    """Return the `rank`-th smallest, from 1, of all first[i] - second[j]; both sorted, finite and not empty.

    The values between which it lies are halved until few differences are left between them, and these are sorted.
    Each halving goes once through both lists, since differences grow along either.
    """
    low, high = first[0] - second[-1], first[-1] - second[0]
    below, room = count_differences(first, second, low), 1000 + (first.size + second.size) // 4
    if below >= rank:
        return float(low)
    upto = first.size * second.size
    # Always below < rank <= upto, the differences up to `low` and up to `high`.
    while upto - below > room:
        midpoint = low + (high - low) / 2
        if not low < midpoint < high:
            return float(high)
        count = count_differences(first, second, midpoint)
        if count >= rank:
            high, upto = midpoint, count
        else:
            low, below = midpoint, count
    left = np.empty(upto - below, dtype=np.float64)
    _collect(first, second, low, high, left)
    return float(np.sort(left)[rank - below - 1])


@_compiled
def count_differences(first: Any, second: Any, limit: float) -> int:
    """Count the pairs with first[i] - second[j] <= `limit`; both sorted."""
    count, j = 0, 0
    for value in first:
        while j < second.size and value - second[j] > limit:
            j += 1
        count += second.size - j
    return count


@_compiled
def _collect(first: Any, second: Any, low: float, high: float, found: Any) -> None:
    """Write the differences in (low, high] to `found`."""
    place, start = 0, 0
    for value in first:
        while start < second.size and value - second[start] > high:
            start += 1
        j = start
        while j < second.size and value - second[j] > low:
            found[place] = value - second[j]
            place += 1
            j += 1
