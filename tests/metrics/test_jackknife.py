"""Intervals of numbers that a few images carry hold the truth, and equal Student's where images are alike."""

import numpy as np
import pytest
from scipy import special, stats
from simulated.evaluation_counts import CountModel, simulate_counts

from cell_pipelines.metrics.intervals import mean_interval, ratio_interval
from cell_pipelines.metrics.jackknife import IntervalScale, jackknife_intervals, join_intervals
from cell_pipelines.metrics.ratios import f1

UNEQUAL = CountModel(dispersion=0.0, log_sd=1.2, recall=0.858, image_sd=0.8, model_sd=0.0)


def test_of_a_mean_of_normal_numbers_it_is_students_with_degrees_for_their_kurtosis() -> None:
    values = np.random.default_rng(0).normal(5, 2, 30)
    without = (values.sum() - values) / 29
    kurtosis = float(stats.kurtosis(values, fisher=False))
    degrees = 30 * min(1, 3 / kurtosis) - 1
    low, high = jackknife_intervals(np.array([values.mean()]), without[:, None], level=0.9, scale="identity")
    assert (low[0], high[0]) == pytest.approx(stats.t.interval(0.9, degrees, values.mean(), stats.sem(values)))


@pytest.mark.parametrize(("scale", "bounds"), [("logit", (0, 1)), ("log", (0, np.inf)), ("identity", (-9, 9))])
def test_ends_lie_within_their_scale_and_around_the_number(scale: IntervalScale, bounds: tuple[float, float]) -> None:
    estimates = np.array([0.02, 0.5, 0.98])
    without = estimates + np.random.default_rng(1).normal(0, 0.1, (6, 3))
    low, high = jackknife_intervals(estimates, without, level=0.95, scale=scale)
    assert (
        (bounds[0] <= low).all() and (low < estimates).all() and (estimates < high).all() and (high <= bounds[1]).all()
    )
    if scale == "logit":
        logits = special.logit(np.array([low, estimates, high]))
        assert logits[1] - logits[0] == pytest.approx(logits[2] - logits[1])


def test_what_does_not_vary_or_lies_at_a_bound_has_no_interval_and_joins_as_nothing() -> None:
    estimates, same = np.array([0.4, 1.0]), np.full((5, 2), 0.4)
    ends = jackknife_intervals(estimates, same, level=0.95, scale="logit")
    assert np.isnan(ends).all()
    assert np.isnan(jackknife_intervals(estimates, same[:1], level=0.95, scale="log")).all()
    known = np.array([0.3, 0.9]), np.array([0.5, np.nan])
    assert np.array_equal(np.array(join_intervals(known, ends)), np.array(known), equal_nan=True)


@pytest.mark.parametrize(
    ("images", "repetitions"), [(20, 250), pytest.param(8, 1500, marks=pytest.mark.exhaustive),
                                pytest.param(60, 1500, marks=pytest.mark.exhaustive)],
)  # fmt: skip
def test_intervals_of_f1_hold_it_where_few_images_carry_most_cells(images: int, repetitions: int) -> None:
    rng = np.random.default_rng(images)
    true = float(f1(*simulate_counts(UNEQUAL, 300_000, rng=np.random.default_rng(9)).found.sum(axis=(0, 1, 2))))
    drawn = simulate_counts(UNEQUAL, images, repetitions=repetitions, rng=rng).found[:, :, 0]
    intervals = [ratio_interval(counts, f1, n_resamples=300, seed=place) for place, counts in enumerate(drawn)]
    assert np.mean([one.low <= true <= one.high for one in intervals]) > 0.905


def test_a_mean_error_has_an_interval_above_zero_and_a_bias_one_of_any_sign() -> None:
    errors = np.random.default_rng(2).lognormal(0, 2, 6)
    assert mean_interval(errors, n_resamples=300).low > 0
    assert mean_interval(errors - 3, n_resamples=300).low < 0
