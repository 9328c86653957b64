"""Intervals of many masks at once, against one mask at a time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.intervals import (
    all_run_lengths_to_intervals,
    interval_boxes,
    intervals_to_run_lengths,
    merge_intervals,
    run_lengths_to_intervals,
    split_at_columns,
)
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths

MASKS = arrays(np.bool_, st.tuples(st.integers(0, 4), st.integers(1, 7), st.integers(1, 7)))


@given(MASKS)
@settings(max_examples=50, deadline=None)
def test_many_masks_become_intervals_and_come_back(masks: NDArray[np.bool_]) -> None:
    height, width = masks.shape[1:]
    counts = [mask_to_run_lengths(mask) for mask in masks]
    owner, start, stop = all_run_lengths_to_intervals(RunLengths.from_lists(counts))
    back = intervals_to_run_lengths(owner, start, stop, len(masks), height * width)
    boxes = interval_boxes(owner, start, stop, len(masks), height)
    assert len(back) == len(boxes) == len(masks)
    for row, (mask, runs) in enumerate(zip(masks, counts, strict=True)):
        one = run_lengths_to_intervals(runs)
        np.testing.assert_array_equal(one, (start[owner == row], stop[owner == row]))
        np.testing.assert_array_equal(back.of(row), runs)
        assert tuple(boxes[row]) == mask_box(mask)


@given(MASKS)
@settings(max_examples=50, deadline=None)
def test_intervals_cut_at_columns_cover_the_same_pixels(masks: NDArray[np.bool_]) -> None:
    height = masks.shape[1]
    for mask in masks:
        start, stop = run_lengths_to_intervals(mask_to_run_lengths(mask))
        number, column, top, bottom = split_at_columns(start, stop, height)
        drawn = np.zeros_like(mask)
        for x, y0, y1 in zip(column, top, bottom, strict=True):
            assert 0 <= y0 < y1 <= height
            drawn[y0:y1, x] = True
        np.testing.assert_array_equal(drawn, mask)
        lengths = np.bincount(number, weights=bottom - top, minlength=start.size)
        np.testing.assert_array_equal(lengths, stop - start)


def test_runs_without_pixels_make_no_intervals_and_part_none() -> None:
    counts = np.array([3, 2, 0, 1, 2, 0, 4, 1], np.uint32)
    expected = [[3, 12], [6, 13]]
    np.testing.assert_array_equal(run_lengths_to_intervals(counts), expected)
    _, *many = all_run_lengths_to_intervals(RunLengths.from_lists([counts]))
    np.testing.assert_array_equal(many, expected)


def test_intervals_that_touch_or_overlap_become_one() -> None:
    start, stop = merge_intervals(np.array([0, 2, 3, 9, 10]), np.array([3, 7, 5, 10, 12]))
    assert (start.tolist(), stop.tolist()) == ([0, 9], [7, 12])
