"""Holes are those that SciPy fills; of labels, those inside one cell."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.representations.filling import fill_enclosed, fill_holes

SHAPES = st.tuples(st.integers(1, 14), st.integers(1, 14))


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, SHAPES))
def test_the_same_holes_are_filled_as_by_scipy(mask: NDArray[np.bool_]) -> None:
    assert np.array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, SHAPES))
def test_where_there_is_one_cell_its_holes_are_filled(mask: NDArray[np.bool_]) -> None:
    assert np.array_equal(fill_enclosed(mask.astype(np.int32)) > 0, fill_holes(mask))


def test_a_hole_between_two_cells_stays_and_a_cell_in_a_ring_survives() -> None:
    labels = np.zeros((9, 11), np.int32)
    labels[1:8, 1:6], labels[1:8, 6:10], labels[3, 4:8] = 1, 2, 0
    labels[5:7, 2:5], labels[6, 3] = 0, 3
    assert np.array_equal(fill_enclosed(labels), labels)
    labels[6, 3] = 0
    filled = fill_enclosed(labels)
    assert (filled[5:7, 2:5] == 1).all()
    assert not filled[3, 4:8].any()


def test_nothing_is_filled_in_nothing() -> None:
    for shape in ((0, 0), (0, 4), (3, 3)):
        assert fill_holes(np.zeros(shape, bool)).shape == shape
        assert fill_enclosed(np.zeros(shape, np.int32)).shape == shape
