"""Ratios of counts: right where they are defined, nan where there was nothing to measure."""

import math

import numpy as np
import pytest

from cell_pipelines.metrics.ratios import dice, f1, iou, mean_matched_iou, panoptic_quality, precision, recall, share


def test_three_cells_counted_by_hand() -> None:
    """Two cells found, one missed, one spurious prediction."""
    assert precision(2, 1) == pytest.approx(2 / 3)
    assert recall(2, 1) == pytest.approx(2 / 3)
    assert f1(2, 1, 1) == pytest.approx(2 / 3)


def test_an_image_with_nothing_to_find_and_nothing_predicted_measures_nothing() -> None:
    assert math.isnan(precision(0, 0))
    assert math.isnan(recall(0, 0))
    assert math.isnan(f1(0, 0, 0))


def test_f1_is_zero_when_all_was_missed_or_all_is_spurious() -> None:
    assert f1(0, 0, 5) == 0
    assert f1(0, 5, 0) == 0


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    tp, fp, fn = np.random.default_rng(0).integers(1, 100, (3, 50))
    p, r = precision(tp, fp), recall(tp, fn)
    np.testing.assert_allclose(f1(tp, fp, fn), 2 * p * r / (p + r))


def test_dice_is_f1_by_another_name_and_follows_from_iou() -> None:
    counts = np.random.default_rng(1).integers(0, 50, (3, 80))
    np.testing.assert_array_equal(dice(*counts), f1(*counts))
    np.testing.assert_allclose(dice(*counts), 2 * iou(*counts) / (1 + iou(*counts)))
    assert (iou(1, 1, 2), dice(1, 1, 2)) == (0.25, 0.4)
    assert math.isnan(iou(0, 0, 0)) and math.isnan(dice(0, 0, 0)) and iou(0, 1, 0) == 0


def test_panoptic_quality_is_f1_times_the_mean_iou_and_nan_only_without_anything() -> None:
    tp, fp, fn = np.array([4, 0, 0]), np.array([1, 0, 2]), np.array([1, 0, 0])
    iou_sum = np.array([3.2, 0, 0])
    np.testing.assert_allclose(panoptic_quality(iou_sum, tp, fp, fn), [0.64, np.nan, 0])
    np.testing.assert_allclose(mean_matched_iou(iou_sum, tp), [0.8, np.nan, np.nan])
    assert f1(4, 1, 1) * 0.8 == pytest.approx(0.64)


def test_a_share_of_nothing_is_nan() -> None:
    assert share(1, 4) == 0.25
    np.testing.assert_array_equal(share(np.array([0, 3]), np.array([0, 6])), [np.nan, 0.5])


def test_numbers_give_a_float_and_arrays_broadcast() -> None:
    assert type(f1(1, 2, 3)) is float
    table = precision(np.array([[0], [4]]), np.array([0, 4]))
    np.testing.assert_array_equal(table, [[np.nan, 0], [1, 0.5]])


def test_no_counts_give_no_ratios() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert f1(nothing, nothing, nothing).shape == (0,)


def test_negative_and_missing_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="`fp` must be counts of 0 or more, got -1"):
        precision(1, -1)
    with pytest.raises(ValueError, match="`fn` must be counts of 0 or more, got nan"):
        recall(1, math.nan)
