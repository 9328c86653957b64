"""Rank comparisons against SciPy and against all differences written out, and how often their intervals are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from cell_pipelines.analysis.statistics.rank_kernels import count_differences, select_difference
from cell_pipelines.analysis.statistics.rank_tests import (
    compare_independent,
    compare_pairs,
    outer_rank,
    outer_signed_rank,
    rank_biserial_interval,
)

numbers = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(-1e6, 1e6)), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None)
@given(numbers, numbers, st.floats(0, 1))
def test_the_difference_of_any_rank_is_that_of_all_differences_sorted(first, second, share) -> None:
    one, other = np.sort(first), np.sort(second)
    every = np.sort(np.subtract.outer(one, other).ravel())
    rank = 1 + int(share * (every.size - 1))
    assert select_difference(one, other, rank) == every[rank - 1]
    assert count_differences(one, other, every[rank - 1]) == (every <= every[rank - 1]).sum()


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_many_differences_are_selected_as_if_all_were_held(digits: int) -> None:
    rng = np.random.default_rng(digits)
    one, other = np.sort(rng.normal(size=1500).round(digits)), np.sort(rng.exponential(size=1100).round(digits))
    every = np.sort(np.subtract.outer(one, other).ravel())
    for rank in (1, 2, 700_000, 825_000, every.size):
        assert select_difference(one, other, rank) == every[rank - 1]


@pytest.mark.parametrize("sizes", [(4, 7), (30, 41), (200, 90)])
def test_test_and_shift_are_those_of_scipy_and_of_all_differences(sizes) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.4, 1, sizes[0]), rng.normal(size=sizes[1])
    found = compare_independent(first, second)
    theirs = stats.mannwhitneyu(first, second)
    assert (found.statistic, found.p) == (theirs.statistic, theirs.pvalue)
    assert_allclose(found.shift, np.median(np.subtract.outer(first, second)))
    paired = compare_pairs(first[:4], second[:4])
    assert_allclose(paired.p, stats.wilcoxon(first[:4], second[:4]).pvalue)
    d = first[:4] - second[:4]
    assert_allclose(paired.shift, np.median([(a + b) / 2 for i, a in enumerate(d) for b in d[i:]]))


@pytest.mark.parametrize(("m", "n"), [(5, 6), (8, 8), (12, 9), (3, 3)])
def test_the_interval_ends_where_the_exact_test_begins_to_reject(m: int, n: int) -> None:
    rng = np.random.default_rng(m)
    first, second = rng.normal(size=m), rng.normal(size=n)
    found = compare_independent(first, second)
    if outer_rank(m, n, 0.95) == 0:
        assert np.isnan([found.low, found.high]).all()
        return
    for inside, limit in ((1e-9, found.low), (-1e-9, found.high)):
        assert stats.mannwhitneyu(first - limit - inside, second, method="exact").pvalue > 0.05
        assert stats.mannwhitneyu(first - limit + inside, second, method="exact").pvalue <= 0.05


def test_exact_and_normal_ranks_meet_where_one_takes_over() -> None:
    for size in (46, 47):
        spread = np.sqrt(size**2 * (2 * size + 1) / 12)
        assert abs(outer_rank(size, size, 0.95) - (size**2 / 2 - 1.96 * spread)) < 2
    assert [outer_signed_rank(n, 0.95) for n in (5, 6, 10)] == [0, 1, 9]  # Wilcoxon's table
    assert abs(outer_signed_rank(51, 0.95) - outer_signed_rank(50, 0.95)) < 20


def test_groups_without_numbers_ties_and_complete_separation() -> None:
    assert np.isnan(compare_independent(np.ones(0), np.ones(3)).p)
    assert np.isnan(compare_pairs(np.ones(0), np.ones(0)).shift)
    assert compare_independent(np.ones(5), np.ones(6)).p == 1
    assert compare_pairs(np.ones(5), np.ones(5)).p == 1
    assert np.isnan(rank_biserial_interval(np.ones(0), np.ones(3))).all()
    effect, low, high = rank_biserial_interval(np.arange(10.0) + 100, np.arange(12.0))
    assert effect == 1
    assert 0.5 < low < high <= 1
    assert rank_biserial_interval(np.ones(1), np.zeros(4))[0] == 1


def test_the_rank_biserial_is_the_share_of_pairs_one_way_less_the_other() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 9, 40).astype(float), rng.integers(2, 9, 50).astype(float)
    signs = np.sign(np.subtract.outer(first, second))
    assert_allclose(rank_biserial_interval(first, second)[0], signs.mean())


@pytest.mark.parametrize("sizes", [(12, 30), pytest.param((60, 50), marks=pytest.mark.slow)])
def test_intervals_hold_the_truth_as_often_as_they_say(sizes) -> None:
    """Nominal 95 %; of 1000 repetitions, 93 % to 97 % are within three standard errors."""
    rng = np.random.default_rng(1)
    m, n = sizes
    held = np.zeros(3)
    for _ in range(1000):
        shift = compare_independent(rng.exponential(size=m) + 0.3, rng.exponential(size=n))
        paired = compare_pairs(rng.normal(0.3, 1, m), np.zeros(m))
        effect = rank_biserial_interval(rng.normal(0.7, 1, m), rng.normal(size=n))
        true = 2 * stats.norm.cdf(0.7 / np.sqrt(2)) - 1
        held += [shift.low <= 0.3 <= shift.high, paired.low <= 0.3 <= paired.high, effect[1] <= true <= effect[2]]
    assert ((held / 1000 > 0.93) & (held / 1000 < 0.97)).all(), held / 1000


def test_many_pairs_have_about_the_averages_of_all() -> None:
    rng = np.random.default_rng(0)
    differences = rng.normal(0.2, 1, 1600)
    found = compare_pairs(differences, np.zeros(1600))
    rows, columns = np.triu_indices(1600)
    every = np.sort((differences[rows] + differences[columns]) / 2)
    outer = outer_signed_rank(1600, 0.95)
    assert_allclose(
        [found.shift, found.low, found.high], [np.median(every), every[outer - 1], every[-outer]], atol=2e-3
    )
