"""Distances are those of each cell for itself, as a share of its largest."""

import numpy as np
import pytest
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


def _two_peaks(valley: float) -> dict[str, np.ndarray]:
    """Return the scores of a bar with peaks of 1 and 0.9 at its ends and a valley in its centre."""
    ridge = np.interp(np.arange(60), [0, 15, 30, 45, 59], [0.1, 1.0, valley, 0.9, 0.1]).astype(np.float32)
    outputs = np.zeros((2, 20, 70), np.float32)
    outputs[0, 5:14, 5:65] = 1
    outputs[1, 5:14, 5:65] = ridge * np.interp(np.arange(9), [0, 4, 8], [0.2, 1, 0.2])[:, None]
    return Distance().reduce(outputs)


@pytest.mark.parametrize(("valley", "most_pass", "cells"), [
    (0.86, 1.0, 2), (0.86, 0.9, 1), (0.75, 0.9, 2), (0.75, 0.8, 1), (0.1, 0.5, 2),
])  # fmt: skip
def test_two_centres_with_a_high_pass_between_them_are_one_cell(valley: float, most_pass: float, cells: int) -> None:
    found = Distance(most_pass=most_pass).decode(_two_peaks(valley), Threshold(0.5, 0, 8)).labels
    assert found.max() == cells and (found > 0).sum() == 540


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 1.0))
def test_joining_only_joins_and_a_lower_pass_joins_no_less(seed: int, most_pass: float) -> None:
    maps = ndimage.gaussian_filter(np.random.default_rng(seed).random((2, 40, 50)), (0, 2, 2))
    maps = ((maps - maps.min()) / np.ptp(maps)).astype(np.float32)
    scores = Distance().reduce(maps)
    apart, joined, more = (
        Distance(most_pass=share).decode(scores, Threshold(0.4, 0, 3)).labels for share in (1.0, most_pass, 0.3)
    )
    assert joined.max() <= apart.max() and more.max() <= joined.max()
    pairs = np.unique(np.stack([apart[apart > 0], joined[apart > 0]]), axis=1)
    assert (np.bincount(pairs[0])[1:] == 1).all()


def test_a_share_outside_of_its_range_is_named() -> None:
    with pytest.raises(ValueError, match="most_pass"):
        Distance(most_pass=0)
