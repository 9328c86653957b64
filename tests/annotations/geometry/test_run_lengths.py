"""Run lengths against pycocotools and against drawing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from pycocotools import mask as reference_mask

from cell_pipelines.annotations.geometry.run_lengths import (
    crop_to_run_lengths,
    decompress_run_lengths,
    mask_box,
    mask_to_run_lengths,
    run_lengths_area,
    run_lengths_box,
    run_lengths_to_crop,
    run_lengths_to_mask,
    runs_from_row_major,
    runs_to_row_major,
)

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9))
EDGE_CASES = [np.zeros((5, 3), bool), np.ones((5, 3), bool), np.ones((1, 1), bool), np.eye(4, dtype=bool)]


def encode(mask: NDArray[np.bool_]) -> dict[str, bytes]:
    encoded: dict[str, bytes] = reference_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return encoded


def check_against_pycocotools(mask: NDArray[np.bool_]) -> None:
    runs, expected = mask_to_run_lengths(mask), encode(mask)
    assert decompress_run_lengths(expected["counts"].decode()) == runs.tolist()
    assert run_lengths_area(runs) == reference_mask.area(expected)
    x, y, width, height = reference_mask.toBbox(expected)
    around = (x, y, x + width, y + height) if mask.any() else (0, 0, 0, 0)
    assert run_lengths_box(runs, mask.shape[0]) == mask_box(mask) == around
    np.testing.assert_array_equal(run_lengths_to_mask(runs.tolist(), *mask.shape), mask)


@given(MASKS)
@settings(max_examples=50, deadline=None)
def test_runs_strings_boxes_and_areas_equal_those_of_pycocotools(mask: NDArray[np.bool_]) -> None:
    check_against_pycocotools(mask)


@pytest.mark.parametrize("mask", EDGE_CASES)
def test_empty_and_full_masks_equal_those_of_pycocotools(mask: NDArray[np.bool_]) -> None:
    check_against_pycocotools(mask)


def test_large_masks_with_long_runs_equal_those_of_pycocotools() -> None:
    rng = np.random.default_rng(1)
    large = np.zeros((1200, 900), bool)
    large[300:1100, 200:850] = True
    for mask in (large, ~large, rng.random((700, 500)) < 0.01):
        check_against_pycocotools(mask)


@pytest.mark.parametrize("text", ["P", "o" * 9 + "0", "5 2", "52é"])
def test_a_damaged_string_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="compressed run lengths"):
        decompress_run_lengths(text)


@pytest.mark.parametrize("counts", [[], [14], [16], [10, 6], [-1, 16], [2**40]])
def test_run_lengths_that_do_not_fill_the_image_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="run lengths must add up to 15 pixels"):
        run_lengths_to_mask(counts, 5, 3)


def test_runs_of_no_pixels_change_neither_box_nor_crop() -> None:
    counts = [6, 0, 1, 2, 0, 1, 5, 0]
    mask = run_lengths_to_mask(counts, 5, 3)
    assert run_lengths_box(counts, 5) == mask_box(mask)
    crop, top, left = run_lengths_to_crop(counts, 5)
    np.testing.assert_array_equal(crop_to_run_lengths(crop, top, left, 5, 3), mask_to_run_lengths(mask))


@given(MASKS)
@settings(max_examples=50, deadline=None)
def test_a_crop_is_the_foregrounds_box_and_gives_the_runs_back(mask: NDArray[np.bool_]) -> None:
    runs = mask_to_run_lengths(mask)
    crop, top, left = run_lengths_to_crop(runs, mask.shape[0])
    x_min, y_min, x_max, y_max = (int(v) for v in mask_box(mask))
    assert (left, top) == (x_min, y_min)
    np.testing.assert_array_equal(crop, mask[y_min:y_max, x_min:x_max])
    np.testing.assert_array_equal(crop_to_run_lengths(crop, top, left, *mask.shape), runs)


@given(MASKS)
@settings(max_examples=50, deadline=None)
def test_runs_row_by_row_are_those_of_the_rows_and_come_back(mask: NDArray[np.bool_]) -> None:
    height, width = mask.shape
    starts, lengths = runs_to_row_major(mask_to_run_lengths(mask), height, width)
    sides = np.diff(np.concatenate([[0], mask.ravel().astype(np.int8), [0]]))
    np.testing.assert_array_equal(starts, np.flatnonzero(sides == 1))
    np.testing.assert_array_equal(starts + lengths, np.flatnonzero(sides == -1))
    back = runs_from_row_major(starts[::-1], lengths[::-1], height, width)
    np.testing.assert_array_equal(back, mask_to_run_lengths(mask))


@given(st.lists(st.tuples(st.integers(0, 34), st.integers(0, 12)), max_size=8))
@settings(max_examples=50, deadline=None)
def test_runs_row_by_row_may_overlap_and_be_empty(runs: list[tuple[int, int]]) -> None:
    flat = np.zeros(35, bool)
    inside = [(start, min(length, 35 - start)) for start, length in runs]
    for start, length in inside:
        flat[start : start + length] = True
    counts = runs_from_row_major([s for s, _ in inside], [n for _, n in inside], 5, 7)
    np.testing.assert_array_equal(counts, mask_to_run_lengths(flat.reshape(5, 7)))


@pytest.mark.parametrize(
    ("starts", "lengths"), [([-1], [2]), ([3], [-1]), ([30], [6]), ([2**62], [2**62]), ([1, 2], [1])]
)
def test_runs_outside_the_image_are_refused(starts: list[int], lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="runs"):
        runs_from_row_major(starts, lengths, 5, 7)
