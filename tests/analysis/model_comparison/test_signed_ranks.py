"""Signed-rank tests of many pairs are SciPy's of each, whatever ties, zeros and gaps there are."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cell_pipelines.analysis.model_comparison.signed_ranks import signed_rank_tests


def by_scipy(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    return float(stats.wilcoxon(known, zero_method="pratt").pvalue) if known.any() else 1.0


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(0, 100_000))
def test_few_differences_with_ties_and_zeros_are_counted_out(units: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    differences = rng.integers(-3, 4, (units, 2)) / 8
    found, _, sizes = signed_rank_tests(differences)
    assert found == pytest.approx([by_scipy(column) for column in differences.T])
    assert sizes.tolist() == [units, units]


@pytest.mark.parametrize("units", [20, 50, 51, 120])
@pytest.mark.parametrize("kind", ["plain", "ties", "zeros", "gaps"])
def test_many_differences_are_scipys(units: int, kind: str) -> None:
    rng = np.random.default_rng(units)
    differences = rng.normal(0.2, 1, (units, 5))
    if kind != "plain":
        differences = np.round(differences * 4) / 4 + (0.001 if kind == "ties" else 0)
    if kind == "gaps":
        differences[rng.random(differences.shape) < 0.05] = np.nan
    found, effect, sizes = signed_rank_tests(differences)
    assert found == pytest.approx([by_scipy(column) for column in differences.T])
    assert sizes.tolist() == (~np.isnan(differences)).sum(axis=0).tolist()
    assert (np.abs(effect) <= 1).all()


def test_the_effect_is_the_share_of_ranks_for_less_those_against() -> None:
    differences = np.array([[3.0, 0.0], [-1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    p, effect, _ = signed_rank_tests(differences)
    assert effect.tolist() == pytest.approx([(4 + 3 - 2) / (4 + 3 + 2), 0])
    assert p[1] == 1
    turned = signed_rank_tests(-differences)
    assert turned[0] == pytest.approx(p)
    assert turned[1] == pytest.approx(-effect)


def test_rounding_makes_no_difference_and_breaks_no_tie() -> None:
    exact = np.array([[0.1], [0.1], [-0.1], [0.0], [0.3], [0.2]])
    noisy = exact + np.array([[1e-17], [-1e-17], [3e-17], [2e-17], [0.0], [1e-17]])
    for one, other in zip(signed_rank_tests(exact), signed_rank_tests(noisy), strict=True):
        assert one == pytest.approx(other)


def test_ten_differences_are_counted_out_as_scipy_does() -> None:
    differences = np.array([3, -1, 1, 0, 2, 2, 0, -1, 4, 6.0])[:, None]
    assert signed_rank_tests(differences)[0][0] == pytest.approx(by_scipy(differences[:, 0]))


def test_nothing_to_compare_is_nan() -> None:
    p, effect, sizes = signed_rank_tests(np.full((4, 1), np.nan))
    assert np.isnan(p[0])
    assert np.isnan(effect[0])
    assert sizes[0] == 0
    assert signed_rank_tests(np.zeros((0, 3)))[2].tolist() == [0, 0, 0]
    assert signed_rank_tests(np.zeros((5, 0)))[0].size == 0


def test_all_outcomes_of_three_images_are_counted() -> None:
    for signs in itertools.product((-1, 1), repeat=3):
        column = np.array(signs)[:, None] * np.array([[1.0], [2.0], [3.0]])
        total = abs(float(column.sum()))
        as_far = sum(abs(sum(s)) >= total for s in itertools.product(*((-r, r) for r in (1, 2, 3))))
        assert signed_rank_tests(column)[0][0] == pytest.approx(as_far / 8)
