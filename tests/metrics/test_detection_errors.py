"""Every wrong prediction has one kind, every true cell is found, pointed to or missed, and mending only helps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.metrics.detection_errors import (
    ERROR_KINDS,
    Overlaps,
    count_confusions,
    count_errors,
    f1_lost,
    find_detection_errors,
)
from cell_pipelines.metrics.matching import box_iou, match_boxes

WRONG = ERROR_KINDS[:-1]


def _evaluate(boxes, categories, true_boxes, true_categories):
    boxes, true_boxes = (np.asarray(b, dtype=float).reshape(-1, 4) for b in (boxes, true_boxes))
    categories, true_categories = (np.asarray(c, dtype=np.int64) for c in (categories, true_categories))
    scores = np.linspace(1, 0.5, len(boxes))
    correct, found = np.zeros(len(boxes), dtype=bool), np.zeros(len(true_boxes), dtype=bool)
    for category in np.unique(categories):
        own, true = np.flatnonzero(categories == category), np.flatnonzero(true_categories == category)
        matching = match_boxes(true_boxes[true], boxes[own], scores[own])
        correct[own] = matching.is_true_positive
        found[true[matching.true_index[matching.is_true_positive]]] = True
    iou = box_iou(boxes, true_boxes)
    pairs = np.nonzero(iou)
    errors = find_detection_errors(
        Overlaps(*pairs, iou[pairs]), categories, true_categories, correct=correct, found=found
    )
    return errors, correct, found, iou


def _kinds(*given):
    errors, *_ = _evaluate(*given)
    return ["hit" if kind < 0 else WRONG[kind] for kind in errors.kind], errors.missed.tolist()


CELL = [0, 0, 10, 10]


@pytest.mark.parametrize(
    ("box", "category", "kind", "missed"),
    [
        ([0, 0, 10, 10], 0, "hit", False),
        ([0, 0, 10, 4], 0, "localisation", False),
        ([0, 0, 10, 9], 1, "classification", False),
        ([0, 0, 10, 4], 1, "both", True),
        ([0, 0, 10, 0.9], 0, "background", True),
        ([50, 50, 60, 60], 0, "background", True),
    ],
)
def test_one_prediction_beside_one_cell_is_of_the_kind_that_its_overlap_and_class_say(box, category, kind, missed):
    assert _kinds([box], [category], [CELL], [0]) == ([kind], [missed])


def test_a_second_prediction_on_a_found_cell_is_a_duplicate():
    assert _kinds([CELL, [0, 0, 10, 9]], [0, 0], [CELL], [0]) == (["hit", "duplicate"], [False])


def test_nothing_predicted_is_all_missed_and_no_cell_is_all_background():
    assert _kinds([], [], [CELL], [0]) == ([], [True])
    assert _kinds([CELL], [0], [], []) == (["background"], [])
    assert _kinds([], [], [], []) == ([], [])


def _kind_by_the_book(own, other):
    """Follow the rules one by one, as the module's text gives them."""
    best_own, best_other = max(own, default=0.0), max(other, default=0.0)
    if best_other >= 0.5 and best_other > best_own:
        return "classification"
    if 0.1 <= best_own < 0.5:
        return "localisation"
    if best_own >= 0.5:
        return "duplicate"
    return "background" if max(best_own, best_other) <= 0.1 else "both"


def _scene(seed, cells, predictions):
    rng = np.random.default_rng(seed)

    def boxes(count):
        corner, size = rng.integers(0, 40, (count, 2)), rng.integers(3, 15, (count, 2))
        return np.concatenate([corner, corner + size], axis=1), rng.integers(0, 2, count)

    true_boxes, true_categories = boxes(cells)
    more, more_categories = boxes(predictions // 2)
    taken = rng.integers(0, cells, predictions - predictions // 2) if cells else np.zeros(0, dtype=int)
    moved = true_boxes[taken] + rng.integers(-3, 4, (len(taken), 4)) * [1, 1, 0, 0]
    moved[:, :2] = np.minimum(moved[:, :2], moved[:, 2:] - 1)
    return (
        np.concatenate([moved, more]), np.concatenate([true_categories[taken], more_categories]), true_boxes,
        true_categories,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(0, 14))
def test_kinds_are_those_of_the_rules_and_numbers_add_up(seed, cells, predictions):
    boxes, categories, true_boxes, true_categories = _scene(seed, cells, predictions)
    errors, correct, found, iou = _evaluate(boxes, categories, true_boxes, true_categories)
    for row in range(len(boxes)):
        if correct[row]:
            assert errors.kind[row] == -1
            continue
        same = true_categories == categories[row]
        assert WRONG[errors.kind[row]] == _kind_by_the_book(iou[row][same].tolist(), iou[row][~same].tolist())
    counts = count_errors(errors, found)
    tp, fp, fn = int(correct.sum()), int((~correct).sum()), int((~found).sum())
    assert sum(counts[name] for name in WRONG) == fp
    assert counts["missed"] <= fn
    pointed = set(errors.cell[errors.cell >= 0].tolist())
    assert {i for i in range(len(found)) if not found[i]} == set(np.flatnonzero(errors.missed).tolist()) | {
        i for i in pointed if not found[i]
    }
    if tp + fp + fn:
        lost = f1_lost(counts, tp, fp, fn)
        assert all(value >= -1e-12 for value in lost.values())
        for name in ERROR_KINDS:
            assert counts[name] or lost[name] == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(0, 14))
def test_every_cell_and_every_prediction_stands_once_in_the_confusions(seed, cells, predictions):
    boxes, categories, true_boxes, true_categories = _scene(seed, cells, predictions)
    errors, correct, found, _ = _evaluate(boxes, categories, true_boxes, true_categories)
    table = count_confusions(
        errors, np.asarray(categories), np.asarray(true_categories), correct=correct, found=found, n_categories=2
    )
    assert table[:2].sum(axis=1).tolist() == np.bincount(true_categories, minlength=2).tolist()
    assert table[:, :2].sum(axis=0).tolist() == np.bincount(categories, minlength=2).tolist()
    assert table[2, 2] == 0
    assert np.diag(table)[:2].sum() == correct.sum()
    counts = count_errors(errors, found)
    assert table[0, 1] + table[1, 0] == counts["mended_classification"]


def test_a_cell_hit_exactly_under_the_class_of_its_neighbour_is_taken_for_that_class():
    neighbour = [8, 0, 18, 10]
    errors, correct, found, _ = _evaluate([CELL, neighbour], [1, 1], [CELL, neighbour], [0, 1])
    table = count_confusions(errors, np.array([1, 1]), np.array([0, 1]), correct=correct, found=found, n_categories=2)
    assert table.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_mending_all_places_of_a_model_that_only_misplaces_makes_it_perfect():
    shifted = [[0, 0, 10, 4], [20, 20, 30, 24]]
    errors, correct, found, _ = _evaluate(shifted, [0, 0], [CELL, [20, 20, 30, 30]], [0, 0])
    lost = f1_lost(count_errors(errors, found), correct.sum(), (~correct).sum(), (~found).sum())
    assert lost["localisation"] == 1
    assert lost["missed"] == 0


def test_without_cells_and_predictions_nothing_is_known_of_f1():
    counts = dict.fromkeys(ERROR_KINDS, 0)
    assert all(np.isnan(value) for value in f1_lost(counts, 0, 0, 0).values())


def test_what_does_not_fit_is_refused():
    none, flags = np.zeros(0, dtype=np.int64), np.zeros(1, dtype=bool)
    pairs = Overlaps(none, none, np.zeros(0))
    with pytest.raises(ValueError, match="must fit 0 predictions and 0 cells"):
        find_detection_errors(pairs, none, none, correct=flags, found=flags)
    with pytest.raises(ValueError, match="`least` must lie"):
        find_detection_errors(pairs, none, none, correct=flags[:0], found=flags[:0], least=0.1)
