"""Estimate how far cells move from a frame to the next, from the sequence itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import pandas as pd

from cell_pipelines.typing import FloatArray

_log = logging.getLogger(__name__)

#: Where a reach is from: the settings, the sequence itself, or, where that does not tell, the default.
ReachSource = Literal["set", "estimated", "default"]
#: Farthest that a cell moves where it can't be estimated, in pixels.
DEFAULT_REACH: Final = 20.0
_FRACTION: Final = 0.99  # of the displacements, which the reach covers …
_MARGIN: Final = 1.5  # … so many times
_LEAST_PAIRS: Final = 20
_CHANCE: Final = 0.6  # of the displacement that unrelated frames show, up to which displacements are those of cells
_STILL: Final = 1.0  # pixels: cells that do not move are still outlined differently


@dataclass(frozen=True)
class Reach:
    """The distance that cells of a sequence move from a frame to the next at most.

    Attributes:
        distance_px: Farthest displacement that a link may have, in pixels; None where it can't be known.
        explanation: How it was estimated, or why it can't be known: a sentence without its subject and full stop.
    """

    distance_px: float | None
    explanation: str


def estimate_reach(cells: pd.DataFrame) -> Reach:
    """Estimate the reach of one sequence.

    Displacements are those of cells in neighbouring frames that are each other's nearest; the reach is 1.5 times what
    99 % of them do not exceed. Where their median is more than 0.6 of what it is towards the next frame turned by half
    a turn, which has as many cells but none in its place, cells move too far for their spacing to be recognised.

    Args:
        cells: Columns `frame`, `row_px` and `column_px`; frames that are no neighbours are not used.
    """
    pairs = list(_neighbours(cells))
    true = np.concatenate([np.zeros(0), *(_mutual_distances(first, second) for first, second in pairs)])
    if len(true) < _LEAST_PAIRS:
        return Reach(None, f"neighbouring frames have {len(true)} cells in common, fewer than {_LEAST_PAIRS}")
    by_chance = np.concatenate([_mutual_distances(first, _mirror(first, second)) for first, second in pairs])
    median, unrelated = float(np.median(true)), float(np.median(by_chance))
    if median > max(_CHANCE * unrelated, _STILL):
        return Reach(
            None,
            f"cells lie {median:.1f} px (median) from the nearest of the next frame, little less than the "
            f"{unrelated:.1f} px of unrelated frames: they move too far for their spacing",
        )
    distance = max(_MARGIN * float(np.quantile(true, _FRACTION)), _STILL)
    share = f"{_MARGIN:g} times what {100 * _FRACTION:g} % of {len(true)} displacements do not exceed"
    return Reach(distance, f"{share}, median {median:.1f} px")


def estimate_and_log_reach(cells: pd.DataFrame, name: str) -> tuple[float, ReachSource]:
    """Return the reach of a sequence in pixels, the default where it can't be known, and which of both it is."""
    reach = estimate_reach(cells)
    if reach.distance_px is None:
        _log.warning(
            "sequence %s: how far cells move could not be estimated, since %s. %g px are taken; set "
            "`tracking.linking.max_distance_px`.", name, reach.explanation, DEFAULT_REACH,
        )  # fmt: skip
        return DEFAULT_REACH, "default"
    _log.info("sequence %s: cells are linked up to %.1f px: %s.", name, reach.distance_px, reach.explanation)
    return reach.distance_px, "estimated"


def _neighbours(cells: pd.DataFrame) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the places (N, 2) and (M, 2) of the cells of each two neighbouring frames that have some."""
    frames = cells["frame"].to_numpy(np.int64)
    places = cells[["row_px", "column_px"]].to_numpy(np.float64)
    numbers = np.unique(frames).tolist()
    for frame, after in pairwise(numbers):
        if after == frame + 1:
            yield places[frames == frame], places[frames == after]


def _mirror(first: FloatArray, second: FloatArray) -> FloatArray:
    """Turn places by half a turn about the centre of all."""
    both = np.concatenate([first, second])
    return np.asarray(both.min(axis=0) + both.max(axis=0) - second)


def _mutual_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the distances of those that are each other's nearest."""
    from scipy.spatial import KDTree

    distances, there = KDTree(second).query(first)
    _, back = KDTree(first).query(second)
    mutual = np.asarray(back)[np.asarray(there)] == np.arange(len(first))
    return np.asarray(np.asarray(distances, dtype=np.float64)[mutual])
