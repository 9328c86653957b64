"""Cutting touching cells apart: nothing is added or lost, and as many cells come out as went in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cell_pipelines.representations.watershed import split_touching

METHODS = ["none", "min_distance", "h_maxima"]


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24))), st.sampled_from(METHODS), st.floats(0.1, 9))
def test_cutting_neither_adds_nor_loses_a_pixel(mask: NDArray[np.bool_], method: str, size: float) -> None:
    assert np.array_equal(split_touching(mask, method, size) > 0, mask)


@pytest.mark.parametrize(
    ("method", "size", "count"),
    [("none", 1, 1), ("min_distance", 8, 2), ("h_maxima", 0.75, 2), ("h_maxima", 9, 1), ("min_distance", 30, 1)],
)
def test_two_touching_discs_are_two_cells_or_one_as_asked(method: str, size: float, count: int) -> None:
    rows, columns = np.indices((60, 80))
    mask = (rows - 30) ** 2 + np.minimum((columns - 30) ** 2, (columns - 50) ** 2) <= 12**2
    labels = split_touching(mask, method, size)
    assert labels.max() == count
    assert labels.dtype == np.int32


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (7, 9)])
def test_an_image_without_foreground_has_no_cells(method: str, shape: tuple[int, int]) -> None:
    labels = split_touching(np.zeros(shape, dtype=bool), method, 2)
    assert labels.shape == shape
    assert not labels.any()
