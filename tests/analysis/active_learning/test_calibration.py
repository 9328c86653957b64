import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.active_learning.calibration import fit_calibration


def test_scores_that_are_too_sure_are_brought_down_to_the_share_that_is_right():
    rng = np.random.default_rng(0)
    scores = rng.uniform(size=4000)
    calibration = fit_calibration(scores, rng.uniform(size=4000) < scores / 2)
    grid = np.array([0.2, 0.5, 0.8])
    assert np.allclose(calibration.confidence(grid), grid / 2, atol=0.07)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=0, max_size=60))
def test_confidence_never_falls_with_the_score_and_is_never_certain(pairs):
    calibration = fit_calibration([score for score, _ in pairs], [right for _, right in pairs])
    found = calibration.confidence(np.linspace(0, 1, 21))
    assert (np.diff(found) >= -1e-12).all()
    assert ((found > 0) & (found < 1)).all()


def test_without_predictions_nothing_is_known():
    assert fit_calibration([], []).confidence([0.0, 1.0]).tolist() == [0.5, 0.5]


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="is_right"):
        fit_calibration([0.1, 0.2], [True])
