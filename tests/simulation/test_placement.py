"""Tests of where cells lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from cell_pipelines.simulation.placement import place_discs


def closest(radii: np.ndarray, centres: np.ndarray) -> float:
    """Give the smallest distance between two centres, relative to the sum of their radii."""
    sums = pdist(radii[:, None], lambda a, b: (a + b).item())
    return float((pdist(centres) / sums).min())


def place(count: int, clumping: float, shape: tuple[int, int] = (300, 400), seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    radii = rng.uniform(5.0, 12.0, count)
    centres, placed = place_discs(radii, shape, clumping=clumping, rng=rng)
    return radii[placed], centres, placed


def test_cells_that_do_not_clump_lie_apart() -> None:
    radii, centres, placed = place(60, clumping=0.0)
    assert len(placed) == 60
    assert closest(radii, centres) > 1.1


def test_clumps_touch_but_never_hide_each_other() -> None:
    radii, centres, placed = place(80, clumping=1.0)
    assert len(placed) == 80
    assert 0.6 < closest(radii, centres) < 0.8


@pytest.mark.parametrize("clumping", [0.0, 0.5, 1.0])
def test_all_centres_lie_in_the_field(clumping: float) -> None:
    _, centres, _ = place(100, clumping=clumping, shape=(100, 150))
    assert np.all(centres >= -0.5) and np.all(centres < np.array([100, 150]) - 0.5)


def test_a_full_field_leaves_cells_out() -> None:
    radii, centres, placed = place(500, clumping=0.2, shape=(80, 80))
    assert 10 < len(placed) < 200 and len(centres) == len(placed)
    assert np.all(np.diff(placed) > 0)
    assert closest(radii, centres) >= 0.62


def test_no_cells_have_no_places() -> None:
    _, centres, placed = place(0, clumping=0.5)
    assert centres.shape == (0, 2) and placed.shape == (0,)
