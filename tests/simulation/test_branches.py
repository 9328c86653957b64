"""Tests of things made of branches."""

from __future__ import annotations

import numpy as np
import pytest

from cell_pipelines.simulation.branches import Branch, Branched, grow_branch, view_branched
from cell_pipelines.simulation.rendering import label_views

SHAPE = (90, 120)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rod(start: tuple[float, float], stop: tuple[float, float], radii: tuple[float, float]) -> Branch:
    return Branch(np.array([start, stop], dtype=float), np.array(radii, dtype=float))


def drawn(*branches: Branch, radius: float = 5.0) -> np.ndarray:
    return label_views(view_branched([Branched(branches, radius)], SHAPE, generator()), SHAPE)[0] > 0


def test_a_branch_of_one_width_is_all_that_lies_near_its_line() -> None:
    rows, cols = np.indices(SHAPE)
    away = np.hypot(rows - 40.2, np.maximum(np.maximum(30.3 - cols, cols - 80.6), 0.0))
    assert np.array_equal(drawn(rod((40.2, 30.3), (40.2, 80.6), (6.1, 6.1))), away < 6.1)


def test_a_branch_tapers_to_its_tip() -> None:
    widths = drawn(rod((40.0, 20.0), (40.0, 90.0), (12.0, 2.0))).sum(axis=0)[20:91]
    assert widths[0] >= 23 and widths[-1] <= 5
    assert np.all(np.diff(widths) <= 0)


def test_branches_melt_into_each_other() -> None:
    first, second = rod((40.0, 20.0), (40.0, 60.0), (6.0, 3.0)), rod((40.0, 20.0), (75.0, 35.0), (6.0, 3.0))
    both = drawn(first, second)
    apart = drawn(first) | drawn(second)
    assert np.all(both[apart]) and both.sum() > apart.sum()


@pytest.mark.parametrize("centre", [(0.0, 0.0), (89.0, 119.0), (45.0, 119.4)])
def test_a_view_ends_at_the_border_of_the_image(centre: tuple[float, float]) -> None:
    (view,) = view_branched([Branched((rod(centre, centre, (9.0, 9.0)),), 9.0)], SHAPE, generator())
    assert view.depth.shape == tuple(side.stop - side.start for side in view.window)
    assert 0.9 < view.depth.max() <= 1.5


def test_a_rough_outline_strays_a_little() -> None:
    branch = rod((45.0, 40.0), (45.0, 80.0), (12.0, 12.0))
    smooth, rough = (
        label_views(view_branched([Branched((branch,), 12.0, roughness)], SHAPE, generator()), SHAPE)[0] > 0
        for roughness in (0.0, 0.1)
    )
    assert 0 < np.sum(smooth != rough) < 0.3 * smooth.sum()


def test_a_grown_branch_has_the_length_and_the_ends_asked_for() -> None:
    branch = grow_branch(np.array([5.0, 7.0]), 0.3, 40.0, radii=(6.0, 1.0), bend=0.2, rng=generator())
    steps = np.diff(branch.nodes, axis=0)
    assert np.hypot(*steps.T).sum() == pytest.approx(40.0)
    assert branch.radii[0] == 6.0 and branch.radii[-1] == 1.0 and np.all(np.diff(branch.radii) < 0)


def test_nothing_has_no_views() -> None:
    assert view_branched([], SHAPE, generator()) == []
