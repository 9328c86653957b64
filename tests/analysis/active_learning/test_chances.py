import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from cell_pipelines.analysis.active_learning.chances import entropy, from_chances, to_chances

shares = st.floats(0, 1)


def test_a_score_at_its_threshold_has_a_chance_of_one_half():
    assert np.allclose(to_chances([0.1, 0.5, 0.87], [0.1, 0.5, 0.87]), 0.5)


@settings(max_examples=40, deadline=None)
@given(st.lists(shares, min_size=2, max_size=9), shares)
def test_chances_keep_the_order_of_scores_and_stay_in_the_unit_interval(scores, threshold):
    chances = to_chances(np.sort(scores), threshold)
    assert (np.diff(chances) >= 0).all()
    assert ((chances >= 0) & (chances <= 1)).all()


@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("chance", [0.1, 0.5, 0.99])
def test_from_chances_is_the_way_back(chance, threshold):
    assert to_chances(from_chances(chance, threshold), threshold) == pytest.approx(chance)


@settings(max_examples=40, deadline=None)
@given(shares)
def test_entropy_is_that_of_scipy(chance):
    assert entropy(chance) == pytest.approx(scipy_entropy([chance, 1 - chance], base=2), abs=1e-9)


def test_no_scores_have_no_chances():
    assert to_chances([], 0.5).shape == (0,)
    assert entropy([]).shape == (0,)
