"""A curve over several laws holds its promise where the law is not known, and says no more than the sizes show."""

from collections.abc import Callable

import numpy as np
import pytest
from simulated.trainings import CURVES, simulate_trainings

from cell_pipelines.analysis.learning_curve.averaged_curve import fit_learning_curve
from cell_pipelines.analysis.learning_curve.laws import LAWS, Law
from cell_pipelines.analysis.learning_curve.power_law import fit_power_law
from cell_pipelines.analysis.learning_curve.recent_trend import FARTHEST

SIZES = np.repeat([5.0, 12, 25, 63, 126, 252], 3)


def _values(seed: int, noise: float = 0.01) -> np.ndarray:
    return 0.95 - 0.8 * SIZES**-0.6 + np.random.default_rng(seed).normal(0, noise, SIZES.size)


def test_bands_rise_with_images_stay_below_1_and_widen_ahead() -> None:
    law = fit_learning_curve(SIZES, _values(2))
    images = np.geomspace(5, 1e5, 50)
    low, high = law.band(images)
    one_low, one_high = law.prediction(images)
    assert (np.diff(low) > -1e-9).all() and (np.diff(high) > -1e-9).all()
    assert (high <= 1 + 1e-9).all() and (low <= law.curve(images)).all() and (law.curve(images) <= high + 1e-9).all()
    assert (one_low <= low + 1e-9).all() and (one_high >= high - 1e-9).all()
    assert law.limit_interval()[1] >= high[-1] - 1e-6


def test_a_flat_metric_has_no_trend_and_a_rising_one_has() -> None:
    rng = np.random.default_rng(0)
    assert not fit_learning_curve(SIZES, 0.8 + rng.normal(0, 0.02, SIZES.size)).has_trend
    assert fit_learning_curve(SIZES, _values(0)).has_trend


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_law_finds_itself_in_exact_points_and_goes_on_as_it_does(law: Law) -> None:
    shape = {1: [[0.5]], 0: np.zeros((1, 0)), 2: [[60.0, 1.2]]}[law.grid(np.array([1.0, 2])).shape[1]]
    sizes, ahead = np.array([5.0, 12, 25, 63, 126, 252]), np.array([504.0])

    def truth(n: np.ndarray) -> np.ndarray:
        scale = 0.05 if law.name == "log-linear" else 0.5
        return 0.9 - (0.3 if law.name == "log-linear" else 0) - scale * law.falling(n, np.asarray(shape))[0]

    curve = fit_learning_curve(sizes, truth(sizes))
    assert curve.curve(ahead) == pytest.approx(truth(ahead), abs=0.003)
    low, high = curve.band(ahead)
    assert low[0] <= truth(ahead)[0] + 1e-3 and truth(ahead)[0] <= high[0] + 1e-3


def test_an_error_is_a_quality_turned_over() -> None:
    values = _values(0)
    quality, error = fit_learning_curve(SIZES, values), fit_learning_curve(SIZES, 1 - values, is_error=True)
    for ours, theirs in zip(error.band([100, 500]), reversed(quality.band([100, 500])), strict=True):
        assert ours == pytest.approx(1 - theirs, abs=1e-6)
    assert error.limit_interval() == pytest.approx(
        tuple(1 - end for end in reversed(quality.limit_interval())), abs=1e-6
    )


def test_the_interval_holds_that_of_the_power_law_where_it_is_the_best_law() -> None:
    values = _values(4)
    averaged, power = fit_learning_curve(SIZES, values), fit_power_law(SIZES, values)
    for images in (504.0, 1008.0):
        (low,), (high,) = averaged.band([images])
        (power_low,), (power_high,) = power.band([images])
        assert low <= power_low + 2e-3 and high >= power_high - 2e-3


def test_beyond_the_sizes_the_interval_holds_the_line_through_the_last_two_and_half_of_the_average_rise() -> None:
    values = _values(5)
    curve = fit_learning_curve(SIZES, values)
    last, before = values[SIZES == 252].mean(), values[SIZES == 126].mean()
    (low,), (high,) = curve.band([504.0])
    assert high >= min(last + (last - before), 1) - 1e-9
    now, then = curve.curve([252.0, 504.0])
    assert low <= now + 0.5 * (then - now)
    ends = [curve.trend.upper(np.array([times * 252.0]))[0] for times in (FARTHEST, 100 * FARTHEST)]
    assert ends[0] == ends[1], "no trend goes on for ever"


@pytest.mark.parametrize("name", sorted(CURVES))
def test_at_twice_the_images_the_interval_holds_whatever_the_law(name: str) -> None:
    assert held(CURVES[name], seeds=3, repetitions=12) >= 10


@pytest.mark.exhaustive
@pytest.mark.parametrize("seeds", [1, 3, 10])
@pytest.mark.parametrize("name", sorted(CURVES))
def test_more_seeds_do_not_make_the_promise_worse(name: str, seeds: int) -> None:
    assert held(CURVES[name], seeds=seeds, repetitions=200) >= 178


def test_a_power_law_alone_fails_where_the_curve_is_none() -> None:
    assert held(CURVES["log-linear with a plateau"], seeds=3, repetitions=12, fit=fit_power_law) <= 3


def held(
    curve: Callable[[np.ndarray], np.ndarray], *, seeds: int, repetitions: int, fit: Callable = fit_learning_curve
) -> int:
    rng, asked, hits = np.random.default_rng(seeds), np.array([504.0]), 0
    for _ in range(repetitions):
        (low,), (high,) = fit(*simulate_trainings(curve, seeds=seeds, rng=rng)).band(asked)
        hits += bool(low <= curve(asked)[0] <= high)
    return hits
