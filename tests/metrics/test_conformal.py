"""Intervals of counts hold as often as they say, for any errors and any number of calibration images."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.metrics.conformal import CountInterval, calibrate_counts, conformal_quantile, least_images

COUNTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=40)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_of_all_orders_of_the_same_scores_the_asked_share_is_within_the_quantile(level: float) -> None:
    scores = np.arange(1.0, 8.0)
    held = [new <= conformal_quantile(np.delete(scores, place), level) for place, new in enumerate(scores)]
    assert np.mean(held) >= level
    needed = int(np.ceil(7 * level - 1e-9))
    assert sum(held) == (needed if needed <= 6 else 7)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=40), st.floats(0.05, 0.95))
def test_the_quantile_is_the_order_statistic_of_the_formula(scores: list[float], level: float) -> None:
    place = int(np.ceil((len(scores) + 1) * level - 1e-6))
    expected = sorted(scores)[place - 1] if place <= len(scores) else np.inf
    near_a_step = abs((len(scores) + 1) * level - round((len(scores) + 1) * level)) < 1e-5
    assert near_a_step or conformal_quantile(scores, level) == expected
    assert conformal_quantile(scores, level, groups=np.arange(len(scores))) == conformal_quantile(scores, level)


def test_of_all_orders_of_the_same_groups_the_asked_share_of_images_is_held() -> None:
    groups = [np.array([1.0, 9.0]), np.array([2.0]), np.array([3.0, 4.0, 8.0]), np.array([0.5, 7.0])]
    held = []
    for order in itertools.permutations(range(4)):
        *known, new = (groups[place] for place in order)
        names = np.repeat(np.arange(3), [len(one) for one in known])
        held.append(np.mean(new <= conformal_quantile(np.concatenate(known), 0.6, groups=names)))
    assert np.mean(held) >= 0.6


def test_a_group_counts_once_however_many_images_it_has() -> None:
    few = conformal_quantile([1, 2, 3, 10], 0.75, groups=["a", "b", "c", "d"])
    assert conformal_quantile([1] * 50 + [2, 3, 10], 0.75, groups=["a"] * 50 + ["b", "c", "d"]) == few == 10


@settings(max_examples=40, deadline=None)
@given(COUNTS, st.sampled_from(["constant", "sqrt", "linear"]), st.booleans())
def test_intervals_are_whole_numbers_from_0_and_hold_the_calibration_images(
    pairs: list[tuple[int, int]], scale: str, symmetric: bool
) -> None:
    true, predicted = np.array(pairs).T
    found = calibrate_counts(true, predicted, level=0.5, scale=scale, symmetric=symmetric)  # type: ignore[arg-type]
    low, high = found.ends(predicted)
    assert (low >= 0).all() and (low <= high).all()
    known = np.isfinite(high)
    assert (low == np.round(low)).all() and (high[known] == np.round(high[known])).all()
    assert np.mean((low <= true) & (true <= high)) >= 0.5


@pytest.mark.parametrize(("level", "symmetric", "least"), [(0.9, True, 9), (0.95, True, 19), (0.9, False, 19)])
def test_too_few_images_give_an_infinite_interval(level: float, symmetric: bool, least: int) -> None:
    counts = np.arange(least) % 7
    settings_ = {"level": level, "symmetric": symmetric}
    assert least_images(level, symmetric=symmetric) == least
    assert calibrate_counts(counts, counts + 1, **settings_).is_finite  # type: ignore[arg-type]
    short = calibrate_counts(counts[1:], counts[1:] + 1, **settings_)  # type: ignore[arg-type]
    low, high = short.ends([5])
    assert not short.is_finite and low[0] == 0 and np.isinf(high[0])
    assert not calibrate_counts([], [], level=level).is_finite


def test_a_record_gives_the_interval_back_infinite_or_not() -> None:
    for found in (calibrate_counts([1, 2], [1, 2]), calibrate_counts(np.arange(30), np.arange(30) + 2)):
        assert CountInterval.from_record(found.to_record()) == found


def test_an_interval_of_a_biased_model_lies_on_one_side_if_it_may() -> None:
    true = np.arange(10, 60)
    found = calibrate_counts(true, true - 3, symmetric=False, scale="constant")
    assert [float(end[0]) for end in found.ends([20])] == [23, 23]


@pytest.mark.parametrize("images", [10, 30, 100])
def test_intervals_of_overdispersed_counts_hold_as_often_as_they_say(images: int) -> None:
    rng = np.random.default_rng(images)
    held = []
    for _ in range(1500):
        true = rng.poisson(rng.lognormal(3, 1, images + 4))
        predicted = rng.binomial(true, rng.beta(18, 2, true.size)) + rng.poisson(0.3, true.size)
        low, high = calibrate_counts(true[4:], predicted[4:], level=0.9).ends(predicted[:4])
        held += [*((low <= true[:4]) & (true[:4] <= high))]
    assert 0.885 <= np.mean(held) <= 0.935


def test_what_are_no_counts_is_refused() -> None:
    with pytest.raises(ValueError, match="`true` must be counts"):
        calibrate_counts([-1], [1])
    with pytest.raises(ValueError, match="as long"):
        calibrate_counts([1, 2], [1])
    with pytest.raises(ValueError, match="`level`"):
        conformal_quantile([1.0], 1.0)
    with pytest.raises(ValueError, match="`scale` must be one of"):
        calibrate_counts([1], [1], scale="cubic")  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("symmetric", [True, False])
def test_with_as_many_images_as_are_said_to_narrow_it_the_largest_error_is_left_out(
    level: float, symmetric: bool
) -> None:
    def reach(images: int) -> CountInterval:
        true = np.full(images, 100)
        errors = np.arange(images) % 10
        errors[0] = 90
        return calibrate_counts(true, true - errors, level=level, scale="constant", symmetric=symmetric)

    needed = reach(5).images_to_narrow
    assert reach(needed - 1).above == 90 and reach(needed - 1).images_to_narrow == needed
    assert reach(needed).above < 10 and reach(needed).images_to_narrow == 0
    assert reach(needed - 1).above_many < 10
