"""Place cells in a field: alone, or in clumps of touching and partly overlapping neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cell_pipelines.typing import FloatArray

Shape = tuple[int, int]

# Distances between centres, in units of the sum of the two radii: 1 is touching.
_APART = 1.12  # a cell that lies alone keeps at least this
_CLOSEST = 0.62  # no two cells ever lie closer
_FARTHEST = 1.04  # a cell that joins a clump lies at most this far from its neighbour
_TRIES = 25  # places tried for a cell before it may lie closer to others, and before it is given up
_FULL = 25  # cells given up in a row after which the field counts as full


def place_discs(
    radii: FloatArray, shape: Shape, *, clumping: float, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Place discs in a field, one after the other.

    With probability `clumping` a disc joins a neighbour already there, else it lies alone. Where no room
    is left to lie alone, it may touch and overlap others. Where no room is left at all, it is left out.

    Args:
        radii: float64 (N,), radii in pixels.
        shape: Height and width of the field in pixels.
        clumping: Probability, 0 to 1, that a disc joins another one.
        rng: Source of randomness.

    Returns:
        centres: float64 (M, 2) as (row, col) with M <= N, all inside the field; (0, 0) is the centre of the
            first pixel.
        placed: (M,), which of the N discs they are, in rising order.
    """
    centres, sizes = np.empty((len(radii), 2)), np.empty(len(radii))
    placed: list[int] = []
    given_up = 0
    for index, radius in enumerate(radii):
        count = len(placed)
        centre = _find_place(radius, centres[:count], sizes[:count], shape, clumping=clumping, rng=rng)
        if centre is None:
            given_up += 1
            if given_up == _FULL:
                break
            continue
        centres[count], sizes[count], given_up = centre, radius, 0
        placed.append(index)
    return centres[: len(placed)], np.asarray(placed, dtype=np.intp)


def _find_place(
    radius: float, centres: FloatArray, sizes: FloatArray, shape: Shape, *, clumping: float, rng: np.random.Generator
) -> FloatArray | None:
    """Find a place for one more disc, or None where there is none."""
    joins = len(centres) > 0 and rng.random() < clumping
    for attempt in range(2 * _TRIES):
        crowded = attempt >= _TRIES
        if joins and not crowded:
            centre = _beside(radius, centres, sizes, rng)
        else:
            centre = rng.random(2) * shape - 0.5
        distance = _CLOSEST if joins or crowded else _APART
        if _inside(centre, shape) and _is_free(centre, radius, centres, sizes, distance):
            return centre
    return None


def _beside(radius: float, centres: FloatArray, sizes: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw a place beside a random disc that is already there."""
    neighbour = int(rng.integers(len(centres)))
    distance = (radius + sizes[neighbour]) * rng.uniform(_CLOSEST, _FARTHEST)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    beside: FloatArray = centres[neighbour] + distance * np.array([np.sin(angle), np.cos(angle)])
    return beside


def _inside(centre: FloatArray, shape: Shape) -> bool:
    return bool(0 <= centre[0] + 0.5 < shape[0] and 0 <= centre[1] + 0.5 < shape[1])


def _is_free(centre: FloatArray, radius: float, centres: FloatArray, sizes: FloatArray, distance: float) -> bool:
    """Tell whether all discs keep `distance`, in units of the sum of the radii."""
    away = centres - centre
    squared = np.einsum("ij,ij->i", away, away)
    return bool(np.all(squared >= (distance * (sizes + radius)) ** 2))
