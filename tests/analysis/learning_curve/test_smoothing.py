"""The moving average is TensorBoard's."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.learning_curve.smoothing import smooth_history


def test_it_is_the_loop_that_tensorboard_draws_with() -> None:
    values = np.array([0.1, 0.5, np.nan, 0.4, 0.9, 0.2])
    last, count, expected = 0.0, 0, []
    for value in values:
        if np.isfinite(value):
            last, count = 0.6 * last + 0.4 * value, count + 1
        expected.append(last / (1 - 0.6**count) if np.isfinite(value) else np.nan)
    history = pd.DataFrame({"epoch": np.arange(1, 7), "val_ap50": values})
    assert smooth_history(history)["val_ap50"].to_numpy() == pytest.approx(np.array(expected), nan_ok=True)


def test_a_constant_stays_and_alpha_0_changes_nothing() -> None:
    history = pd.DataFrame({"epoch": [3, 1, 2], "a": [1.0, 5.0, 2.0], "b": [4.0, 4.0, 4.0]})
    ordered = history.sort_values("epoch", ignore_index=True)
    pd.testing.assert_frame_equal(smooth_history(history, alpha=0.0), ordered)
    assert smooth_history(history)["b"].tolist() == pytest.approx([4.0] * 3)


def test_an_empty_history_stays_empty_and_a_wrong_one_is_refused() -> None:
    assert smooth_history(pd.DataFrame({"epoch": [], "a": []})).empty
    with pytest.raises(ValueError, match="column epoch"):
        smooth_history(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(ValueError, match="`alpha`"):
        smooth_history(pd.DataFrame({"epoch": [1]}), alpha=1.0)
