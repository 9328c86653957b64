import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from cell_pipelines.analysis.active_learning.probabilities import entropy, from_probabilities, to_probabilities

shares = st.floats(0, 1)


def test_a_score_at_its_threshold_has_a_probability_of_one_half():
    assert np.allclose(to_probabilities([0.1, 0.5, 0.87], [0.1, 0.5, 0.87]), 0.5)


@settings(max_examples=40, deadline=None)
@given(st.lists(shares, min_size=2, max_size=9), shares)
def test_probabilities_keep_the_order_of_scores_and_stay_in_the_unit_interval(scores, threshold):
    probabilities = to_probabilities(np.sort(scores), threshold)
    assert (np.diff(probabilities) >= 0).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("probability", [0.1, 0.5, 0.99])
def test_from_probabilities_inverts_to_probabilities(probability, threshold):
    assert to_probabilities(from_probabilities(probability, threshold), threshold) == pytest.approx(probability)


@settings(max_examples=40, deadline=None)
@given(shares)
def test_entropy_is_that_of_scipy(probability):
    assert entropy(probability) == pytest.approx(scipy_entropy([probability, 1 - probability], base=2), abs=1e-9)


def test_no_scores_have_no_probabilities():
    assert to_probabilities([], 0.5).shape == (0,)
    assert entropy([]).shape == (0,)
