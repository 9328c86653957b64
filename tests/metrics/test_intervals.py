"""Intervals equal SciPy's, hold the truth as often as they say, and are nan where nothing varies."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cell_pipelines.metrics.intervals import (
    Interval,
    bootstrap_interval,
    mean_interval,
    ratio_interval,
    wilson_interval,
)
from cell_pipelines.metrics.jackknife import small_sample_level
from cell_pipelines.metrics.ratios import dice, f1, iou, panoptic_quality, precision


def mean_of(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide the total of the first column by that of the second, a column of ones."""
    return totals[..., 0] / totals[..., 1]


def f1_interval(counts: ArrayLike, **settings: Any) -> Interval:
    """Give the interval of the F1 of tp, fp, fn."""
    return ratio_interval(counts, f1, **settings)


def images(seed: int, count: int) -> NDArray[np.int64]:
    """Give tp, fp, fn of a few images."""
    return np.random.default_rng(seed).poisson([30, 4, 8], (count, 3))


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (700, 1000)])
def test_wilson_interval_equals_that_of_scipy(successes: int, trials: int, level: float) -> None:
    interval = wilson_interval(successes, trials, level=level)
    expected = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert interval.low == pytest.approx(expected.low, abs=1e-12)
    assert interval.high == pytest.approx(expected.high, abs=1e-12)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1


def test_no_trials_tell_nothing() -> None:
    interval = wilson_interval(0, 0)
    assert math.isnan(interval.estimate) and math.isnan(interval.low) and math.isnan(interval.high)


def test_bootstrap_of_a_mean_joins_scipys_interval_and_students() -> None:
    values = np.random.default_rng(3).gamma(2, 10, 25)
    table = np.stack([values, np.ones(25)], axis=1)
    interval = bootstrap_interval(table, mean_of, n_resamples=500, seed=4)
    expected = stats.bootstrap(
        (values,), np.mean, confidence_level=small_sample_level(0.95, 25), n_resamples=500, rng=np.random.default_rng(4)
    ).confidence_interval
    assert interval.estimate == pytest.approx(values.mean())
    kurtosis = float(stats.kurtosis(values, fisher=False))
    student = stats.t.interval(0.95, 25 * min(1, 3 / kurtosis) - 1, values.mean(), stats.sem(values))
    assert interval.low == pytest.approx(min(expected.low, student[0]))
    assert interval.high == pytest.approx(max(expected.high, student[1]))


def test_few_units_are_widened_until_the_mean_of_normal_numbers_has_students_interval() -> None:
    units = 8
    values = np.random.default_rng(0).normal(0, 1, units)
    level = small_sample_level(0.95, units)
    z = stats.norm.ppf((1 + level) / 2) * values.std() / np.sqrt(units)  # a bootstrap knows the spread of the sample
    low, _ = stats.t.interval(0.95, units - 1, values.mean(), stats.sem(values))
    assert values.mean() - z == pytest.approx(low)
    assert small_sample_level(0.95, 1) == 0.95
    assert 0.95 < small_sample_level(0.95, 10_000) < 0.9502
    assert small_sample_level(0.95, 2) < 1


def test_f1_interval_holds_f1_and_repeats_with_its_seed() -> None:
    counts = images(0, 30)
    interval = f1_interval(counts, n_resamples=500, seed=1)
    assert interval.estimate == f1(*counts.sum(axis=0).tolist())
    assert interval.low < interval.estimate < interval.high
    assert f1_interval(counts, n_resamples=500, seed=1) == interval
    assert f1_interval(counts, n_resamples=500, seed=2) != interval


@pytest.mark.parametrize("ratio", [iou, dice, f1])
def test_any_ratio_of_summed_counts_has_an_interval(ratio) -> None:
    counts = images(2, 20)
    interval = ratio_interval(counts, ratio, n_resamples=300)
    assert interval.estimate == ratio(*counts.sum(axis=0).tolist())
    assert interval.low < interval.estimate < interval.high


def test_panoptic_quality_of_no_images_is_nan() -> None:
    assert math.isnan(ratio_interval(np.zeros((0, 4)), panoptic_quality).estimate)


def test_the_interval_of_a_mean_over_images_leaves_out_those_without_a_value() -> None:
    values = np.random.default_rng(6).gamma(2, 10, 30)
    interval = mean_interval([*values, np.nan, np.nan], n_resamples=300)
    assert interval == mean_interval(values, n_resamples=300)
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.low < interval.estimate < interval.high
    assert math.isnan(mean_interval([]).estimate) and math.isnan(mean_interval([np.nan]).low)


def test_a_lower_level_gives_a_narrower_interval() -> None:
    wide, narrow = (f1_interval(images(0, 30), level=level, n_resamples=500) for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_ninety_percent_intervals_hold_the_true_f1_about_nine_times_in_ten() -> None:
    truth = 2 * 30 / (2 * 30 + 4 + 8)
    intervals = [f1_interval(images(seed, 25), level=0.9, n_resamples=200) for seed in range(150)]
    held = sum(interval.low <= truth <= interval.high for interval in intervals)
    assert 150 * 0.8 < held < 150 * 0.98


def test_empty_images_change_no_ratio_and_no_interval() -> None:
    counts = images(5, 12)
    padded = np.vstack([counts, np.zeros((40, 3), dtype=np.int64)])
    assert f1_interval(padded, n_resamples=200) == f1_interval(counts, n_resamples=200)


def test_images_of_a_series_are_drawn_together() -> None:
    counts, series = images(5, 12), np.repeat(["a", "b", "c", "d"], 3)
    whole = counts.reshape(4, 3, 3).sum(axis=1)
    assert f1_interval(counts, units=series) == f1_interval(whole)
    values = np.where(np.arange(12) == 4, np.nan, np.random.default_rng(2).gamma(2, 10, 12))
    found = mean_interval(values, units=series)
    assert found.estimate == pytest.approx(np.nanmean(values))
    assert found.low < found.estimate < found.high
    with pytest.raises(ValueError, match=r"`units` must have shape \(I,\), one an image, got \(3,\) for 12 images"):
        f1_interval(counts, units=[0, 1, 2])


@pytest.mark.parametrize("rows", [[], [[3, 1, 0]], [[3, 1, 0], [0, 0, 0]]])
def test_fewer_than_two_images_with_counts_have_no_interval(rows: list[list[int]]) -> None:
    interval = f1_interval(np.array(rows).reshape(-1, 3))
    assert interval.estimate == pytest.approx(6 / 7) if rows else math.isnan(interval.estimate)
    assert math.isnan(interval.low) and math.isnan(interval.high)


def test_images_that_are_all_alike_have_no_interval() -> None:
    interval = f1_interval(np.tile([5, 0, 0], (6, 1)), n_resamples=100)
    assert interval.estimate == 1
    assert math.isnan(interval.low) and math.isnan(interval.high)


def test_a_ratio_that_is_undefined_in_a_resample_has_no_interval() -> None:
    counts = np.array([[3, 1, 1], [3, 1, 1], [0, 0, 1], [0, 0, 1]])  # two images without predictions
    interval = bootstrap_interval(counts, lambda totals: precision(totals[..., 0], totals[..., 1]))
    assert interval.estimate == pytest.approx(6 / 8)
    assert math.isnan(interval.low) and math.isnan(interval.high)


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"`successes` must lie between 0 and `trials` \(3\), got 4"):
        wilson_interval(4, 3)
    with pytest.raises(ValueError, match=r"`level` must lie in \(0, 1\), got 95"):
        wilson_interval(1, 3, level=95)
    with pytest.raises(ValueError, match=r"`counts` must have shape \(I, K\), one row per image, got \(4,\)"):
        bootstrap_interval(np.zeros(4), mean_of)
    with pytest.raises(ValueError, match=r"`values` must have shape \(I,\), one value per image, got \(2, 3\)"):
        mean_interval(images(0, 2))
    with pytest.raises(ValueError, match="`counts` must be finite"):
        f1_interval([[1, 2, np.nan]])
