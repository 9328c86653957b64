"""Matched cells are counted as StarDist counts them, at every threshold, ties included."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from stardist.matching import matching
from torchmetrics.functional.detection import panoptic_quality as torch_panoptic_quality

from cell_pipelines.metrics.instances import IOU_THRESHOLDS, match_instances, match_overlaps, matched_pairs
from cell_pipelines.metrics.label_overlap import overlap_table

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
LOW_TO_HIGH = (0.05, 0.1, 0.25, 1 / 3, 0.4, *IOU_THRESHOLDS, 1.0)


def assert_same_as_stardist(true, predicted, thresholds) -> None:
    """Compare counts and ratios at every threshold; StarDist says 0 where we say nan."""
    counts = match_instances(true, predicted, thresholds=thresholds)
    for row, expected in enumerate(matching(true, predicted, thresh=thresholds)):
        assert (counts.tp[row], counts.fp[row], counts.fn[row]) == (expected.tp, expected.fp, expected.fn)
        for name in ("precision", "recall", "f1", "accuracy"):
            assert np.nan_to_num(getattr(counts, name)[row]) == pytest.approx(getattr(expected, name))
        if thresholds[row] >= 0.5:  # below, StarDist also counts the IoUs of pairs that do not match
            assert np.nan_to_num(counts.panoptic_quality[row]) == pytest.approx(expected.panoptic_quality, abs=1e-6)
            assert np.nan_to_num(counts.mean_matched_iou[row]) == pytest.approx(expected.mean_matched_score, abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_counts_equal_those_of_stardist(seed: int, make_labels) -> None:
    assert_same_as_stardist(*make_labels(seed), LOW_TO_HIGH)


@pytest.mark.parametrize("seed", range(4))
def test_thresholds_made_by_arange_reach_the_same_ties_as_in_stardist(seed: int, make_labels) -> None:
    true, predicted = make_labels(seed, shape=(24, 24), n_cells=40)
    assert_same_as_stardist(true, predicted, tuple(np.arange(0.05, 1.0, 0.05)))


def test_many_small_cells_with_large_ids_equal_stardist() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 70_000, (24, 50)).astype(np.int32)
    predicted = np.where(rng.random(true.shape) < 0.3, np.roll(true, 1, axis=1), true)
    assert_same_as_stardist(true, predicted, (0.3, 0.5, 0.9))


@pytest.mark.parametrize("pixels", range(1, 21))
def test_an_iou_exactly_at_a_threshold_counts(pixels: int) -> None:
    """A prediction of `pixels` of the 20 pixels of a cell has an IoU of exactly pixels / 20."""
    true, predicted = np.ones((1, 20), dtype=np.int32), np.zeros((1, 20), dtype=np.int32)
    predicted[0, :pixels] = 1
    thresholds = tuple(np.arange(1, 21) * 0.05)
    counts = match_instances(true, predicted, thresholds=thresholds)
    assert counts.tp.tolist() == [int(pixels >= twentieth) for twentieth in range(1, 21)]
    assert_same_as_stardist(true, predicted, thresholds)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.75])
def test_a_prediction_that_two_halves_share_is_matched_once(threshold: float) -> None:
    true, predicted = np.array([[1, 1, 2, 2]]), np.array([[5, 5, 5, 5]])
    counts = match_instances(true, predicted, thresholds=[threshold])
    assert counts.tp.tolist() == [int(threshold <= 0.5)]
    assert_same_as_stardist(true, predicted, (threshold,))


def test_below_one_half_a_chain_is_matched_in_the_most_pairs() -> None:
    """Each prediction covers half of one cell and half of the next: taking the best first would lose one."""
    true, predicted = np.array([[0, 0, 1, 1, 1, 2, 2, 2]]), np.array([[0, 8, 8, 8, 9, 9, 0, 0]])
    assert match_instances(true, predicted, thresholds=[0.2]).tp.tolist() == [2]
    assert_same_as_stardist(true, predicted, (0.2, 0.4, 0.5))


@pytest.mark.parametrize(("n_true", "n_predicted"), [(0, 0), (2, 0), (0, 3)])
def test_an_empty_side_matches_nothing(n_true: int, n_predicted: int) -> None:
    true, predicted = (np.minimum(np.arange(8).reshape(1, 8), n) for n in (n_true, n_predicted))
    counts = match_instances(true, predicted)
    assert set(zip(counts.tp, counts.fp, counts.fn, strict=True)) == {(0, n_predicted, n_true)}
    assert np.isnan(counts.f1).all() == (n_true + n_predicted == 0)
    assert_same_as_stardist(true, predicted, IOU_THRESHOLDS)


@pytest.mark.parametrize("seed", range(3))
def test_panoptic_quality_equals_that_of_torchmetrics(seed: int, make_labels) -> None:
    """Torchmetrics matches above 0.5, not at it; 0.5 itself is avoided by asking for a little more."""
    true, predicted = make_labels(seed)
    ours = match_instances(true, predicted, thresholds=[0.5001]).panoptic_quality[0]
    images = [
        torch.from_numpy(np.stack([labels > 0, labels], axis=-1).astype(np.int64)) for labels in (predicted, true)
    ]
    theirs = torch_panoptic_quality(images[0][None], images[1][None], things={1}, stuffs={0}, return_per_class=True)
    assert ours == pytest.approx(float(theirs[0, 0]), abs=1e-6)


def test_quality_is_f1_times_the_mean_iou_and_counts_of_images_add_up(make_labels) -> None:
    one, two = (match_instances(*make_labels(seed)) for seed in (0, 1))
    both = one + two
    assert both.tp.tolist() == (one.tp + two.tp).tolist()
    np.testing.assert_allclose(both.panoptic_quality, both.f1 * both.mean_matched_iou)
    assert both.at(0.75).tp.tolist() == [both.tp[5]]
    assert (np.diff(both.tp) <= 0).all()


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_pairs_name_every_cell_once_and_agree_with_the_counts(threshold: float, make_labels) -> None:
    true, predicted = make_labels(4)
    table = overlap_table(true, predicted)
    pairs, counts = matched_pairs(table, threshold=threshold), match_overlaps(table, thresholds=[threshold])
    assert [pairs.iou.size, pairs.spurious_ids.size, pairs.missed_ids.size] == [counts.tp, counts.fp, counts.fn]
    assert sorted([*pairs.true_ids, *pairs.missed_ids]) == table.true_ids.tolist()
    assert sorted([*pairs.predicted_ids, *pairs.spurious_ids]) == table.predicted_ids.tolist()
    for one, other, iou in zip(pairs.true_ids, pairs.predicted_ids, pairs.iou, strict=True):
        a, b = true == one, predicted == other
        assert iou == pytest.approx((a & b).sum() / (a | b).sum())


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
def test_real_nuclei_disturbed_on_purpose_are_counted_as_stardist_counts_them() -> None:
    import cv2

    folder = DATA / "nuclei_fluorescence_dsb2018" / "labels"
    for seed, path in enumerate(sorted(folder.glob("*.png"))[:10]):
        true = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.int32)
        rng = np.random.default_rng(seed)
        changed = np.arange(true.max() + 1)
        lost, merged = rng.random((2, changed.size)) < 0.1
        changed[merged] = np.maximum(changed[merged] - 1, 0)
        changed[lost] = 0
        predicted = np.roll(changed[true].astype(np.int32), rng.integers(-3, 4, 2), axis=(0, 1))
        assert_same_as_stardist(true, predicted, LOW_TO_HIGH)


def test_wrong_arguments_are_refused_in_a_sentence(make_labels) -> None:
    true, predicted = make_labels(0)
    with pytest.raises(ValueError, match=r"`thresholds` must lie in \(0, 1\], got 0"):
        match_instances(true, predicted, thresholds=[0])
    counts = match_instances(true, predicted)
    with pytest.raises(ValueError, match="same thresholds to be added"):
        counts + match_instances(true, predicted, thresholds=[0.5])
    with pytest.raises(ValueError, match=r"`threshold` must be one of \[0.5, .* got 0.3"):
        counts.at(0.3)
