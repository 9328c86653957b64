"""Three classes: a boundary between cells and around them that decoding gives back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.representations.three_class import ThreeClass
from cell_pipelines.thresholds import Threshold


def there_and_back(labels: NDArray[np.int32], outline: int) -> NDArray[np.int32]:
    representation = ThreeClass(outline_px=outline)
    return representation.decode(representation.reduce(representation.encode(labels)), Threshold(0.5)).labels


def are_same(first: NDArray[np.int32], second: NDArray[np.int32]) -> bool:
    pairs = np.unique(np.stack([first.ravel(), second.ravel()]), axis=1)
    return bool(
        np.array_equal(first > 0, second > 0) and pairs.shape[1] == np.unique(first).size == np.unique(second).size
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.tuples(st.integers(1, 40), st.integers(1, 40)), st.floats(0, 3), st.integers(1, 3))
def test_any_cells_that_touch_no_other_come_back_exactly(
    seed: int, shape: tuple[int, int], smooth: float, outline: int
) -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth)
    labels = ndimage.label(ndimage.binary_fill_holes(field > np.median(field)))[0].astype(np.int32)
    assert are_same(there_and_back(labels, outline), labels)


@pytest.mark.parametrize("outline", [1, 2, 3])
def test_a_chessboard_of_touching_cells_comes_back_exactly(outline: int) -> None:
    rows, columns = np.indices((63, 81)) // 9
    labels = (rows * 9 + columns + 1).astype(np.int32)
    assert are_same(there_and_back(labels, outline), labels)
    target = ThreeClass(outline_px=outline).encode(labels)
    assert (target.sum(axis=0) == 1).all()
    assert not target[0].any()
    # The image's border is no outside.
    assert target[2, 0, 0] == 1
    assert target[2, 4, 9 - outline : 9].sum() == 0


def test_a_cell_inside_a_ring_stays_a_cell_of_its_own_and_the_holes_of_one_cell_are_filled() -> None:
    rows, columns = np.indices((41, 41))
    radius = np.hypot(rows - 20, columns - 20)
    labels = np.where(radius < 8, 1, np.where(radius < 16, 2, 0)).astype(np.int32)
    assert are_same(there_and_back(labels, 1), labels)
    apart = np.where((radius > 6) & (radius < 10), 0, labels)
    assert are_same(there_and_back(apart, 1), apart)
    ring = np.where(labels == 2, labels, 0)
    assert are_same(there_and_back(ring, 1), (radius < 16).astype(np.int32))


def test_small_cells_beside_large_ones_survive() -> None:
    labels = np.zeros((20, 30), np.int32)
    labels[2:18, 2:12], labels[5, 12], labels[8:10, 12:14], labels[15, 20] = 1, 2, 3, 4
    found = there_and_back(labels, 1)
    assert found.max() == 4
    assert are_same(found, labels)


def test_the_boundary_is_where_cells_end() -> None:
    labels = np.zeros((12, 20), np.int32)
    labels[2:9, 2:9], labels[2:9, 9:16] = 1, 2
    target = ThreeClass().encode(labels)
    expected = np.zeros_like(labels)
    expected[3:8, 3:8], expected[3:8, 10:15] = 1, 1
    assert np.array_equal(target[2], expected)
    assert np.array_equal(target[1] + target[2], labels > 0)


@pytest.mark.parametrize("outline", [0, -1, 1.5])
def test_an_outline_must_be_a_whole_number_of_pixels(outline: float) -> None:
    with pytest.raises(ValueError, match="`outline_px` must be a whole number"):
        ThreeClass(outline_px=outline)  # type: ignore[arg-type]
