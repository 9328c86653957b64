"""Intervals of proportions in clusters: their variance is that of others, and they cover as often as they say."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.metrics.clustered_proportions import clustered_interval, clustered_proportion
from cell_pipelines.metrics.intervals import wilson_interval


def clusters(
    rng: np.random.Generator, count: int, mean: float, p: float, rho: float, spread: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw beta-binomial clusters of a mean size and a relative spread of sizes."""
    if spread:
        trials = np.maximum(1, rng.negative_binomial(1 / spread**2, 1 / (1 + mean * spread**2), count))
    else:
        trials = np.full(count, int(mean))
    share = rng.beta(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho, count) if rho else np.full(count, p)
    return rng.binomial(trials, share), trials


def test_the_variance_of_equal_clusters_is_that_of_statsmodels() -> None:
    x, n = np.array([18, 12, 25, 9, 16]), np.full(5, 30)
    cells = np.concatenate([np.repeat([1, 0], (a, b - a)) for a, b in zip(x, n, strict=True)])
    groups = {"groups": np.repeat(np.arange(5), n), "use_correction": False}
    model = sm.OLS(cells, np.ones(cells.size)).fit(cov_type="cluster", cov_kwds=groups)
    found = clustered_proportion(x, n)
    assert found.estimate == pytest.approx(model.params[0])
    assert found.variance == pytest.approx(model.bse[0] ** 2 * 5 / 4)
    logistic = sm.GLM(cells, np.ones(cells.size), family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds=groups
    )
    p = found.estimate
    assert found.variance == pytest.approx((logistic.bse[0] * p * (1 - p)) ** 2 * 5 / 4)


def test_the_variance_of_unequal_clusters_lies_between_those_of_the_survey_and_the_jackknife() -> None:
    x, n = np.array([18.0, 12, 25, 9, 3]), np.array([30.0, 20, 55, 10, 12])
    p, share = x.sum() / n.sum(), n / n.sum()
    residual = (x - p * n) / n.sum()
    left_out = (x.sum() - x) / (n.sum() - n)
    jackknife = 4 / 5 * ((left_out - p) ** 2).sum()
    found = clustered_proportion(x, n)
    assert found.variance == pytest.approx((residual**2 / (1 - share)).sum())
    assert (residual**2).sum() < found.variance < jackknife * 5 / 4


def test_independent_cells_in_many_clusters_give_wilsons_interval() -> None:
    x = np.tile([1, 0, 1, 1, 0], 400)
    ours, plain = clustered_interval(x, np.ones(2000)), wilson_interval(1200, 2000)
    assert (ours.low, ours.high) == pytest.approx((plain.low, plain.high), abs=3e-4)


def coverage(count: int, mean: float, p: float, rho: float, spread: float, times: int) -> float:
    rng = np.random.default_rng(7)
    intervals = [clustered_interval(*clusters(rng, count, mean, p, rho, spread)) for _ in range(times)]
    return float(np.mean([interval.low <= p <= interval.high for interval in intervals]))


@pytest.mark.parametrize(("count", "p", "rho"), [(5, 0.95, 0.5), (4, 0.97, 0.3), (10, 0.7, 0.05)])
def test_intervals_near_100_percent_cover_where_series_differ(count: int, p: float, rho: float) -> None:
    assert coverage(count, 100, p, rho, 0.0, 150) >= 0.91  # 40 to 72 % by the estimated variance of the first two


@pytest.mark.exhaustive
@pytest.mark.parametrize("count", [4, 10, 30])
@pytest.mark.parametrize("p", [0.05, 0.7, 0.95, 0.97])
@pytest.mark.parametrize("rho", [0.0, 0.05, 0.1, 0.3, 0.5])
def test_nominal_95_percent_cover_92_or_more(count: int, p: float, rho: float) -> None:
    assert coverage(count, 100, p, rho, 0.0, 600) >= 0.92


@pytest.mark.exhaustive
@pytest.mark.parametrize(("count", "mean", "spread"), [(2, 100, 0.5), (5, 100, 1.0), (30, 12, 0.5)])
def test_few_unequal_and_small_clusters_cover(count: int, mean: float, spread: float) -> None:
    assert coverage(count, mean, 0.8, 0.05, spread, 600) >= 0.92


def test_one_cluster_has_an_estimate_without_an_interval() -> None:
    interval = clustered_interval([7, 0], [10, 0])
    assert interval.estimate == 0.7
    assert np.isnan([interval.low, interval.high]).all()


def test_no_trials_have_nothing() -> None:
    for empty in ([], [0, 0]):
        interval = clustered_interval(empty, empty)
        assert np.isnan([interval.estimate, interval.low, interval.high]).all()
        assert clustered_proportion(empty, empty).clusters == 0


@pytest.mark.parametrize("count", [2, 3, 10])
def test_all_or_none_alive_leave_room_that_shrinks_with_clusters(count: int) -> None:
    n = np.full(count, 50)
    every, none = clustered_interval(n, n), clustered_interval(0 * n, n)
    assert (every.high, none.low) == (1.0, 0.0)
    assert every.low == pytest.approx(1 - none.high)
    assert 0 < every.low < wilson_interval(50 * count, 50 * count).low


def test_clusters_that_agree_exactly_leave_open_how_others_differ() -> None:
    few, many = clustered_interval([5, 5], [10, 10]), clustered_interval([50] * 40, [100] * 40)
    plain = wilson_interval(10, 20)
    assert few.low < plain.low < plain.high < few.high
    close = wilson_interval(2000, 4000)
    assert (many.low, many.high) == pytest.approx((close.low, close.high), abs=0.004)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=0, max_size=8),
    st.floats(0.5, 0.999),
)
@settings(max_examples=40, deadline=None)
def test_ends_lie_around_the_estimate_within_0_and_1(parts: list[tuple[int, int]], level: float) -> None:
    x, n = [a for a, _ in parts], [a + b for a, b in parts]
    interval = clustered_interval(x, n, level=level)
    if np.count_nonzero(n) >= 2:
        assert 0 <= interval.low <= interval.estimate + 1e-12
        assert interval.estimate - 1e-12 <= interval.high <= 1
        turned = clustered_interval(np.subtract(n, x), n, level=level)
        assert turned.low == pytest.approx(1 - interval.high, abs=1e-9)


def test_wrong_counts_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"between 0 and `trials`, got 3 of 2 in cluster 1"):
        clustered_interval([1, 3], [2, 2])
    with pytest.raises(ValueError, match=r"one shape \(K,\)"):
        clustered_interval([1, 3], [2])
    with pytest.raises(ValueError, match="must be finite"):
        clustered_interval([1.0, np.nan], [2, 2])
    with pytest.raises(ValueError, match="`level`"):
        clustered_interval([1], [2], level=1.0)
