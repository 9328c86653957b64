"""Distances are those of each cell for itself, as a share of its largest."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cell_pipelines.representations.distance import Distance
from cell_pipelines.thresholds import Threshold


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.tuples(st.integers(2, 30), st.integers(2, 30)), st.integers(1, 6))
def test_distances_are_those_of_scipy_cell_by_cell(seed: int, shape: tuple[int, int], cells: int) -> None:
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, shape, (cells, 2))
    nearest = ((np.indices(shape)[..., None] - seeds.T[:, None, None]) ** 2).sum(axis=0).argmin(axis=-1)
    labels = np.where(rng.random(shape) < 0.95, nearest + 1, 0).astype(np.int32)
    labels[0, 0] = 0
    target = Distance().encode(labels)
    assert np.array_equal(target[0], labels > 0)
    for number in range(1, cells + 1):
        own = labels == number
        if own.any():
            distance = ndimage.distance_transform_edt(own)
            assert np.allclose(target[1][own], distance[own] / distance.max(), atol=1e-6)
    assert not target[1][labels == 0].any()


def test_a_cell_without_outside_is_at_its_centre_everywhere() -> None:
    assert (Distance().encode(np.ones((5, 7), np.int32)) == 1).all()


def test_a_small_cell_beside_a_large_one_is_found_and_nearly_as_large_as_before() -> None:
    rows, columns = np.indices((60, 80))
    labels = (np.hypot(rows - 30, columns - 25) < 20).astype(np.int32)
    labels[(np.hypot(rows - 30, columns - 51) < 7) & (labels == 0)] = 2
    representation = Distance()
    found = representation.decode(representation.reduce(representation.encode(labels)), Threshold(0.5, 0, 8)).labels
    assert found.max() == 2
    assert (found != labels).sum() < 12


def test_a_cell_inside_a_ring_stays_a_cell_of_its_own() -> None:
    rows, columns = np.indices((41, 41))
    radius = np.hypot(rows - 20, columns - 20)
    labels = np.where(radius < 6, 1, np.where((radius > 8) & (radius < 16), 2, 0)).astype(np.int32)
    representation = Distance()
    scores = representation.reduce(representation.encode(labels))
    found = representation.decode(scores, Threshold(0.5, 0, 0)).labels
    assert np.array_equal(found > 0, labels > 0)
    assert found.max() == 2
