"""Columns are accepted as they should be, or refused with a sentence that names them."""

import numpy as np
import pytest

from cell_pipelines.metrics.checks import (
    check_boxes,
    check_flags,
    check_indices,
    check_labels,
    check_points,
    check_scores,
)


def test_empty_columns_of_any_dtype_are_accepted() -> None:
    assert check_boxes(np.zeros((0, 4), dtype=np.int32), "boxes").shape == (0, 4)
    assert check_scores(np.array([]), "scores", length=0).dtype == np.float64
    assert check_indices(np.array([]), "image", length=0).dtype == np.int64
    assert check_flags(np.array([]), "crowd", length=0).dtype == np.bool_


def test_a_box_without_area_is_accepted() -> None:
    assert check_boxes([[3, 3, 3, 9]], "boxes").tolist() == [[3, 3, 3, 9]]


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros(4), r"`boxes` must have shape \(N, 4\), got \(4,\)"),
        ([[0, 0, np.nan, 1]], "`boxes` must be finite"),
        ([[0, 0, 1, 1], [5, 0, 4, 1]], "x_min <= x_max .* in row 1"),
    ],
)
def test_wrong_boxes_are_refused_in_a_sentence(boxes: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_boxes(boxes, "boxes")  # type: ignore[arg-type]


def test_scores_outside_zero_to_one_or_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`scores` must lie in \[0, 1\], got 0.5 to 1.5"):
        check_scores([0.5, 1.5], "scores", length=2)
    with pytest.raises(ValueError, match=r"`scores` must lie in \[0, 1\]"):
        check_scores([np.nan], "scores", length=1)
    with pytest.raises(ValueError, match=r"`scores` must have shape \(3,\)"):
        check_scores([0.5], "scores", length=3)


def test_indices_must_be_whole_and_not_negative() -> None:
    with pytest.raises(TypeError, match="`category` must have an integer dtype, got float64"):
        check_indices([1.0], "category", length=1)
    with pytest.raises(ValueError, match="`category` must not be negative, got -1"):
        check_indices([2, -1], "category", length=2)


def test_zeros_and_ones_are_not_taken_for_flags() -> None:
    with pytest.raises(TypeError, match="`crowd` must have dtype bool, got int64"):
        check_flags([0, 1], "crowd", length=2)


def test_points_and_labels_are_passed_on_and_not_copied() -> None:
    labels = np.zeros((2, 3), dtype=np.uint16)
    assert check_labels(labels, "labels", shape=(2, 3)) is labels
    assert check_points([[1, 2]], "points").dtype == np.float64
    assert check_points(np.zeros((0, 2)), "points").shape == (0, 2)


def test_points_need_a_row_and_a_column() -> None:
    with pytest.raises(ValueError, match=r"`points` must have shape \(N, 2\), one row and column a point, got \(3,\)"):
        check_points([1, 2, 3], "points")
    with pytest.raises(ValueError, match="`points` must be finite"):
        check_points([[0, np.inf]], "points")
