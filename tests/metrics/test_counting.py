"""Errors of counts equal their formulas and say nan where there is nothing to compare."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats

from cell_pipelines.metrics.counting import count_errors, limits_of_agreement


def test_three_images_counted_by_hand() -> None:
    """Errors +2, -3 and 0; the last image has no cells."""
    errors = count_errors([10, 20, 0], [12, 17, 0])
    assert errors.mae == pytest.approx(5 / 3)
    assert errors.medae == 2
    assert errors.bias == pytest.approx(-1 / 3)
    assert errors.rmse == pytest.approx(math.sqrt(13 / 3))
    assert errors.mpe == pytest.approx((20 - 15) / 2)
    assert errors.r2 == pytest.approx(1 - 13 / 200)
    assert (errors.n_images, errors.n_images_with_cells) == (3, 2)


def test_perfect_counts_have_no_error() -> None:
    errors = count_errors([1, 4, 9], [1, 4, 9])
    assert (errors.mae, errors.medae, errors.bias, errors.rmse, errors.mpe, errors.r2) == (0, 0, 0, 0, 0, 1)


def test_r2_of_a_fitted_line_is_the_squared_correlation() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.integers(1, 200, 40).astype(float)
    true = np.abs(predicted + rng.normal(0, 10, 40))
    line = stats.linregress(predicted, true)
    fitted = line.intercept + line.slope * predicted
    assert count_errors(true, fitted).r2 == pytest.approx(line.rvalue**2)


def test_guessing_the_mean_has_an_r2_of_zero() -> None:
    assert count_errors([1, 2, 6], [3, 3, 3]).r2 == pytest.approx(0)


def test_the_squared_error_is_bias_and_spread_together() -> None:
    rng = np.random.default_rng(1)
    true, predicted = rng.integers(0, 300, (2, 50))
    errors = count_errors(true, predicted)
    assert errors.rmse**2 == pytest.approx(errors.bias**2 + np.var(predicted - true))
    assert abs(errors.bias) <= errors.mae <= errors.rmse


def test_no_images_give_nan_everywhere() -> None:
    errors = asdict(count_errors([], []))
    assert (errors.pop("n_images"), errors.pop("n_images_with_cells")) == (0, 0)
    assert all(math.isnan(error) for error in errors.values())


def test_empty_images_have_an_error_but_no_percentage_and_no_r2() -> None:
    errors = count_errors([0, 0], [0, 4])
    assert (errors.mae, errors.bias, errors.n_images_with_cells) == (2, 2, 0)
    assert math.isnan(errors.mpe)
    assert math.isnan(errors.r2)


def test_about_nineteen_of_twenty_normal_differences_lie_within_the_limits_of_agreement() -> None:
    rng = np.random.default_rng(3)
    true = rng.integers(100, 300, 4000)
    predicted = true + rng.normal(5, 10, 4000)
    limits = limits_of_agreement(true, predicted)
    inside = np.mean((limits.low <= predicted - true) & (predicted - true <= limits.high))
    assert inside == pytest.approx(0.95, abs=0.01)
    assert limits.bias == pytest.approx(count_errors(true, predicted).bias)
    assert limits.sd == pytest.approx(stats.tstd(predicted - true))
    assert limits.high - limits.bias == pytest.approx(1.96 * limits.sd)


@pytest.mark.parametrize("counts", [[], [3]])
def test_fewer_than_two_images_have_no_limits_of_agreement(counts: list[int]) -> None:
    limits = limits_of_agreement(counts, counts)
    assert math.isnan(limits.low) and math.isnan(limits.high) and limits.n_images == len(counts)
    assert math.isnan(limits.bias) if not counts else limits.bias == 0


def test_unsigned_counts_do_not_wrap_around() -> None:
    assert count_errors(np.array([5], np.uint8), np.array([3], np.uint8)).bias == -2


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"must have one shape \(I,\), got \(2,\) and \(3,\)"):
        count_errors([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="`predicted_counts` must be finite and 0 or more, got -2.0"):
        count_errors([1, 2], [1, -2])
