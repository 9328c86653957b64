"""Splits, merges, missed and spurious cells, counted by hand and over again in plain loops."""

import numpy as np
import pytest

from cell_pipelines.metrics.label_overlap import overlap_table
from cell_pipelines.metrics.segmentation_errors import ErrorCounts, SegmentationErrors, find_segmentation_errors


def errors_of(true, predicted) -> SegmentationErrors:
    """Find the errors of one image."""
    return find_segmentation_errors(overlap_table(np.atleast_2d(true), np.atleast_2d(predicted)))


def three_cells(*pieces: tuple[int, int, int]) -> np.ndarray:
    """Draw pieces (label, first, last column) on a line of 40 pixels."""
    line = np.zeros((1, 40), dtype=np.int32)
    for label, first, last in pieces:
        line[0, first:last] = label
    return line


TRUE = three_cells((1, 0, 10), (2, 10, 20), (3, 25, 35))


def test_three_cells_found_exactly_have_no_errors() -> None:
    assert errors_of(TRUE, TRUE).counts == ErrorCounts(0, 0, 0, 0, 3, 3)


def test_one_of_three_cells_is_split() -> None:
    """Cell 1 in two pieces, 2 found, 3 missed."""
    errors = errors_of(TRUE, three_cells((7, 0, 4), (8, 4, 10), (9, 10, 20)))
    assert (errors.split_ids.tolist(), errors.missed_ids.tolist()) == ([1], [3])
    assert errors.counts == ErrorCounts(1, 0, 1, 0, 3, 3)


def test_two_of_three_cells_are_merged_and_one_prediction_is_spurious() -> None:
    errors = errors_of(TRUE, three_cells((7, 0, 20), (8, 25, 35), (9, 36, 40)))
    assert (errors.merge_ids.tolist(), errors.spurious_ids.tolist()) == ([7], [9])
    assert errors.counts == ErrorCounts(0, 1, 0, 1, 3, 3)


def test_half_a_cell_counts_and_less_than_half_does_not() -> None:
    """Prediction 7 holds all of cell 1 and half, or less than half, of cell 2."""
    assert errors_of(TRUE, three_cells((7, 0, 15), (8, 25, 35))).counts.merge == 1
    assert errors_of(TRUE, three_cells((7, 0, 14), (8, 25, 35))).counts == ErrorCounts(0, 0, 1, 0, 3, 2)


def test_a_graze_is_both_missed_and_spurious() -> None:
    """Of ten pixels each, the prediction shares four with the cell."""
    counts = errors_of(three_cells((1, 0, 10)), three_cells((1, 6, 16))).counts
    assert counts == ErrorCounts(0, 0, 1, 1, 1, 1)


def test_a_cell_outlined_far_too_small_or_too_large_is_neither_missed_nor_spurious() -> None:
    small, large = three_cells((1, 4, 6)), three_cells((1, 0, 20))
    assert errors_of(large, small).counts == errors_of(small, large).counts == ErrorCounts(0, 0, 0, 0, 1, 1)


@pytest.mark.parametrize(("n_true", "n_predicted"), [(0, 0), (3, 0), (0, 3)])
def test_an_empty_side_is_all_missed_or_all_spurious(n_true: int, n_predicted: int) -> None:
    true, predicted = (np.minimum(TRUE, n) for n in (n_true, n_predicted))
    assert errors_of(true, predicted).counts == ErrorCounts(0, 0, n_true, n_predicted, n_true, n_predicted)


@pytest.mark.parametrize("seed", range(5))
def test_errors_equal_those_of_plain_loops_and_mirror_when_the_sides_change(seed: int, make_labels) -> None:
    true, predicted = make_labels(seed)
    cells, found = (np.unique(labels[labels > 0]) for labels in (true, predicted))
    shared = np.array([[np.sum((true == t) & (predicted == p)) for p in found] for t in cells])
    within_true = shared >= np.array([np.sum(predicted == p) for p in found]) / 2
    within_predicted = shared >= np.array([[np.sum(true == t)] for t in cells]) / 2
    related = within_true | within_predicted
    errors, mirrored = errors_of(true, predicted), errors_of(predicted, true)
    assert errors.split_ids.tolist() == cells[within_true.sum(axis=1) >= 2].tolist() == mirrored.merge_ids.tolist()
    assert errors.merge_ids.tolist() == found[within_predicted.sum(axis=0) >= 2].tolist()
    assert errors.missed_ids.tolist() == cells[~related.any(axis=1)].tolist() == mirrored.spurious_ids.tolist()
    assert errors.spurious_ids.tolist() == found[~related.any(axis=0)].tolist()
    assert mirrored.split_ids.tolist() == errors.merge_ids.tolist()
