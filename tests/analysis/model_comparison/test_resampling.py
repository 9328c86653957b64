"""Many intervals at once are those that each would get by itself."""

import numpy as np
import pytest
from scipy import stats

from cell_pipelines.analysis.model_comparison.resampling import (
    bca_intervals,
    leave_one_out,
    percentile_intervals,
    resample_totals,
)
from cell_pipelines.metrics.intervals import ratio_interval
from cell_pipelines.metrics.jackknife import small_sample_level
from cell_pipelines.metrics.ratios import f1

RNG = np.random.default_rng(5)
COUNTS = RNG.poisson((20, 4, 3), (40, 6, 3)).astype(float)  # units, models, counts


def of(totals: np.ndarray) -> np.ndarray:
    return np.asarray(f1(*np.moveaxis(totals, -1, 0)))


def test_a_sample_holds_as_many_units_as_there_are_and_the_seed_decides_which() -> None:
    ones = np.ones((7, 2))
    assert (resample_totals(ones, n_resamples=20, seed=0) == 7).all()
    first, again, other = (resample_totals(COUNTS, n_resamples=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_intervals_are_scipys_but_for_chance() -> None:
    samples = of(resample_totals(COUNTS, n_resamples=20_000, seed=0))
    found = bca_intervals(
        of(COUNTS.sum(axis=0)), samples, of(leave_one_out(COUNTS)), level=small_sample_level(0.95, len(COUNTS))
    )
    for model in range(COUNTS.shape[1]):
        expected = ratio_interval(COUNTS[:, model], f1, n_resamples=20_000)
        assert found[0][model] == pytest.approx(expected.low, abs=1.2e-3)
        assert found[1][model] == pytest.approx(expected.high, abs=1.2e-3)


def test_with_the_same_samples_intervals_are_exactly_scipys() -> None:
    values = RNG.gamma(2, 1, 25)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=999, rng=np.random.default_rng(3), method="BCa")
    samples = theirs.bootstrap_distribution[:, None]
    without = (leave_one_out(values[:, None]) / (len(values) - 1)).reshape(-1, 1)
    low, high = bca_intervals(np.array([values.mean()]), samples, without, level=0.95)
    assert (low[0], high[0]) == pytest.approx(tuple(theirs.confidence_interval))
    plain = stats.bootstrap((values,), np.mean, n_resamples=999, rng=np.random.default_rng(3), method="percentile")
    ends = percentile_intervals(samples, level=0.95)
    assert (ends[0][0], ends[1][0]) == pytest.approx(tuple(plain.confidence_interval))


def test_what_does_not_vary_or_is_undefined_has_no_interval() -> None:
    same = np.tile([8.0, 1.0, 1.0], (10, 1, 1))
    missing = np.full((10, 1, 3), np.nan)
    both = np.concatenate([same, missing, COUNTS[:10, :1]], axis=1)
    samples = of(np.nan_to_num(resample_totals(both, n_resamples=200, seed=0)))
    samples[:, 1] = np.nan
    ends = bca_intervals(samples.mean(axis=0), samples, samples[:10], level=0.95)
    for end in (*ends, *percentile_intervals(samples, level=0.95)):
        assert np.isnan(end).tolist() == [True, True, False]


@pytest.mark.parametrize("units", [0, 1])
def test_one_unit_has_no_interval(units: int) -> None:
    totals = COUNTS[:units]
    samples = of(np.nan_to_num(resample_totals(totals, n_resamples=10, seed=0)))
    low, high = bca_intervals(np.full(6, 0.5), samples, of(leave_one_out(totals)), level=0.95)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
