"""One matching serves every confidence, and the best F1 is really the best."""

import numpy as np
import pytest

from cell_pipelines.metrics.matching import match_boxes
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.metrics.thresholds import (
    ConfidenceCurve,
    best_f1_confidence,
    confidence_curve,
)


def curve_of(scores: list[float], right: list[bool], n_true: int) -> ConfidenceCurve:
    """Give the curve of a few predictions."""
    return confidence_curve(np.array(scores), np.array(right, dtype=bool), n_true)


def test_three_cells_counted_by_hand() -> None:
    """Ranked: right, spurious, right, and one cell missed."""
    curve = curve_of([0.7, 0.9, 0.8], [True, True, False], 3)
    assert curve.confidence.tolist() == [0.9, 0.8, 0.7]
    assert (curve.tp.tolist(), curve.fp.tolist(), curve.fn.tolist()) == ([1, 1, 2], [0, 1, 1], [2, 2, 1])
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(curve.recall, [1 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(curve.f1, [1 / 2, 2 / 5, 2 / 3])


def test_equal_scores_stand_or_fall_together_in_any_order() -> None:
    curves = [curve_of([0.5, 0.5, 0.5], right, 2) for right in ([True, False, True], [False, True, True])]
    for curve in curves:
        assert (curve.confidence.tolist(), curve.tp.tolist(), curve.fp.tolist()) == ([0.5], [2], [1])


def test_scores_of_exactly_zero_and_one_are_kept() -> None:
    curve = curve_of([0.0, 1.0], [True, True], 2)
    assert (curve.confidence.tolist(), curve.tp.tolist()) == ([1, 0], [1, 2])


@pytest.mark.parametrize("seed", range(4))
def test_one_matching_restricted_to_a_confidence_is_the_matching_at_that_confidence(seed: int, make_scene) -> None:
    scene = make_scene(seed)
    full = match_boxes(scene.true_boxes, scene.boxes, scene.scores)
    curve = confidence_curve(scene.scores, full.is_true_positive, full.n_true)
    for cut in [*np.unique(scene.scores), 0.05, 0.55, 1.0]:
        kept = scene.scores >= cut
        again = match_boxes(scene.true_boxes, scene.boxes[kept], scene.scores[kept])
        np.testing.assert_array_equal(full.true_index[kept], again.true_index)
        assert curve.counts_at(cut) == (again.tp, again.fp, again.fn)


@pytest.mark.parametrize("seed", range(10))
def test_no_confidence_gives_a_higher_f1_than_the_chosen_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(60), 2)
    curve = confidence_curve(scores, rng.random(60) < scores, 70)
    chosen = f1(*curve.counts_at(best_f1_confidence(curve)))
    tried = [f1(*curve.counts_at(cut)) for cut in np.linspace(0, 1, 1001)]
    assert chosen == pytest.approx(max(tried))


def test_the_centre_of_the_best_step_is_chosen() -> None:
    assert best_f1_confidence(curve_of([0.9, 0.8, 0.4], [True, True, False], 2)) == pytest.approx(0.6)


def test_of_equally_good_steps_the_one_of_highest_confidence_is_chosen() -> None:
    """F1 is 2/4 with one of three cells and none spurious, and 4/8 with two of three and three spurious."""
    curve = curve_of([0.9, 0.6, 0.6, 0.6, 0.6], [True, True, False, False, False], 3)
    np.testing.assert_array_equal(curve.f1, [0.5, 0.5])
    assert best_f1_confidence(curve) == pytest.approx(0.75)


def test_the_lowest_score_is_chosen_when_everything_should_be_kept() -> None:
    assert best_f1_confidence(curve_of([0.9, 0.3], [True, True], 2)) == 0.3


def test_neighbouring_floats_do_not_let_the_worse_prediction_in() -> None:
    upper = 0.5
    lower = float(np.nextafter(upper, 0))
    curve = curve_of([upper, lower], [True, False], 1)
    assert curve.counts_at(best_f1_confidence(curve)) == (1, 0, 0)


def test_the_default_is_given_when_there_is_nothing_to_choose() -> None:
    assert best_f1_confidence(curve_of([], [], 0)) == 0.25
    assert best_f1_confidence(curve_of([], [], 4)) == 0.25
    assert best_f1_confidence(curve_of([0.9], [False], 0)) == 0.25
    assert best_f1_confidence(curve_of([0.9], [False], 3), default=0.1) == 0.1


def test_no_predictions_give_an_empty_curve_that_misses_every_cell() -> None:
    curve = curve_of([], [], 4)
    assert curve.f1.shape == curve.precision.shape == (0,)
    assert curve.counts_at(0.5) == (0, 0, 4)


def test_recall_is_nan_when_there_is_nothing_to_find() -> None:
    curve = curve_of([0.9], [False], 0)
    assert np.isnan(curve.recall).all()
    assert curve.f1.tolist() == [0]


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="`n_true` must be at least the 2 cells that were found, got 1"):
        curve_of([0.5, 0.6], [True, True], 1)
    with pytest.raises(ValueError, match=r"`is_true_positive` must have shape \(2,\)"):
        curve_of([0.5, 0.6], [True], 1)
