"""Adjusted p-values are statsmodels', and tests without a p-value count for nothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.stats.multitest import multipletests

from cell_pipelines.analysis.multiple_testing import adjust_benjamini_hochberg, adjust_holm


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_adjusted_values_are_those_of_statsmodels(count: int) -> None:
    p = np.random.default_rng(count).beta(0.3, 1, count).round(2)  # with ties, and zeros
    assert_allclose(adjust_holm(p), multipletests(p, method="holm")[1])


def test_unknown_values_stay_unknown_and_change_no_other() -> None:
    p = np.array([0.01, np.nan, 0.04, np.nan, 0.03])
    adjusted = adjust_holm(p)
    assert_array_equal(np.isnan(adjusted), np.isnan(p))
    assert_allclose(adjusted[[0, 2, 4]], adjust_holm(p[[0, 2, 4]]))
    assert adjust_holm(np.empty(0)).size == 0


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_false_discovery_rates_are_those_of_statsmodels(count: int) -> None:
    p = np.random.default_rng(count).beta(0.3, 1, count).round(2)
    assert_allclose(adjust_benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1])
    with_gap = adjust_benjamini_hochberg(np.append(p, np.nan))
    assert_allclose(with_gap[:-1], adjust_benjamini_hochberg(p))
    assert np.isnan(with_gap[-1])
