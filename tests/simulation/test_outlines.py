"""Tests of the distances from outlines."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cell_pipelines.simulation.outlines import measure_outlines, spread_values


def two_cells() -> np.ndarray:
    labels = np.zeros((40, 60), dtype=np.int32)
    labels[10:30, 10:25] = 1
    labels[10:30, 25:45] = 2
    return labels


def test_distances_agree_with_scipy_for_a_cell_that_lies_alone() -> None:
    labels = (two_cells() == 1).astype(np.int32)
    outlines = measure_outlines(labels)
    outside = ndimage.distance_transform_edt(labels == 0)
    assert np.allclose(outlines.outside, outside, rtol=0.03, atol=0.05)
    inside = ndimage.distance_transform_edt(labels)
    assert np.all(np.abs(outlines.inside - inside) <= 1.05)
    assert not outlines.inside[labels == 0].any() and not outlines.outside[labels > 0].any()


def test_touching_cells_have_an_outline_between_them() -> None:
    inside = measure_outlines(two_cells()).inside
    assert inside[20, 24] <= 1 and inside[20, 25] <= 1
    assert inside[20, 17] > 5 and inside[20, 34] > 5


def test_the_background_belongs_to_the_next_cell() -> None:
    labels = two_cells()
    owner = measure_outlines(labels).owner
    assert np.array_equal(owner[labels > 0], labels[labels > 0])
    assert owner[20, 2] == 1 and owner[20, 55] == 2


def test_without_cells_the_next_one_is_infinitely_far() -> None:
    outlines = measure_outlines(np.zeros((5, 7), dtype=np.int32))
    assert np.all(np.isinf(outlines.outside)) and not outlines.inside.any() and not outlines.owner.any()


def test_a_cell_may_fill_the_field() -> None:
    outlines = measure_outlines(np.ones((6, 9), dtype=np.int32))
    assert np.all(outlines.inside > 0) and not outlines.outside.any() and np.all(outlines.owner == 1)


def test_values_are_spread_over_their_cells() -> None:
    spread = spread_values(np.array([0.5, 2.0]), two_cells())
    assert (spread[0, 0], spread[20, 12], spread[20, 40]) == (0.0, 0.5, 2.0)
    assert not spread_values(np.zeros(0), np.zeros((3, 4), dtype=np.int32)).any()
