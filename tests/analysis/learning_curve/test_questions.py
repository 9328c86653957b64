"""A question about more images is answered by a number with an interval, or not at all."""

import numpy as np
import pytest

from cell_pipelines.analysis.learning_curve.averaged_curve import AveragedCurve, fit_learning_curve
from cell_pipelines.analysis.learning_curve.questions import answer_images, answer_target, refuse


def _law(noise: float = 0.004, sizes: tuple[int, ...] = (5, 12, 25, 63, 126, 252), seed: int = 0) -> AveragedCurve:
    n = np.repeat(np.array(sizes, dtype=float), 3)
    values = 0.95 - 0.8 * n**-0.5 + np.random.default_rng(seed).normal(0, noise, n.size)
    return fit_learning_curve(n, np.minimum(values, 1))


def test_a_target_within_reach_gets_a_number_that_the_curve_confirms() -> None:
    law = _law()
    answer = answer_target(law, 0.91, "AP50")
    assert answer.is_said and answer.more_low < answer.more < answer.more_high
    assert law.curve([252 + answer.more])[0] == pytest.approx(0.91, abs=1e-4)
    for end, side in ((answer.more_low, 1), (answer.more_high, 0)):
        assert law.band([252 + end])[side][0] == pytest.approx(0.91, abs=1e-3)
    assert answer.sentence.startswith(f"About {answer.more:.0f} more images")


def test_of_an_error_less_is_reached_with_more_images() -> None:
    n = np.repeat([5.0, 12, 25, 63, 126, 252], 3)
    values = 1 + 20 * n**-0.6 + np.random.default_rng(0).normal(0, 0.05, n.size)
    answer = answer_target(fit_learning_curve(n, values, is_error=True), 1.6, "count MAE")
    assert answer.is_said and 0 < answer.more_low < answer.more < answer.more_high


def test_an_end_beyond_four_times_the_images_is_not_printed_as_if_it_were_known() -> None:
    answer = answer_target(_law(), 0.91, "AP50")
    assert answer.is_said and np.isfinite(answer.more_high) and answer.more_high > 3 * 252
    assert f"{answer.more_high:.0f}" not in answer.sentence
    assert "beyond 756 more" in answer.sentence


@pytest.mark.parametrize(
    ("target", "said"), [(0.5, "reached already"), (0.999, "cannot be said"), (0.945, "cannot be said")]
)
def test_what_is_reached_or_out_of_reach_is_said(target: float, said: str) -> None:
    assert said in answer_target(_law(), target, "AP50").sentence


def test_noise_without_a_trend_gives_no_number() -> None:
    n = np.repeat([10.0, 50, 200], 2)
    law = fit_learning_curve(n, 0.8 + np.random.default_rng(1).normal(0, 0.05, n.size))
    for answer in (answer_target(law, 0.9, "F1"), answer_images(law, 200, "F1")):
        assert not answer.is_said and "no clear trend" in answer.sentence


def test_beyond_four_times_the_images_nothing_is_promised() -> None:
    answer = answer_images(_law(), 252 * 5, "F1")
    assert answer.is_extrapolated and not answer.is_said and "a guess" in answer.sentence


def test_three_sizes_are_answered_with_a_caution() -> None:
    answer = answer_images(_law(sizes=(10, 50, 250)), 250, "F1")
    assert answer.is_said and "three sizes only" in answer.sentence
    assert answer.value_low < answer.value < answer.value_high


def test_a_refusal_says_why() -> None:
    answer = refuse("target", "F1", "there are two sizes")
    assert not answer.is_said and "cannot be said: there are two sizes" in answer.sentence
    assert np.isnan(answer.to_row()["more"])
