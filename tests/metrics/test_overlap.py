"""Pixel counts equal those of other libraries, and IoU and Dice of one count always agree."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torchmetrics.functional.classification import binary_jaccard_index, binary_stat_scores
from torchmetrics.functional.segmentation import dice_score

from cell_pipelines.metrics.overlap import PixelCounts, count_pixels, summarise_pixels

MASKS = st.tuples(st.integers(0, 9), st.integers(0, 9)).flatmap(
    lambda shape: st.tuples(npst.arrays(bool, shape), npst.arrays(bool, shape))
)


def random_masks(seed: int):
    """Give two masks that agree in about three pixels of four."""
    true = np.random.default_rng(seed).random((30, 41)) < 0.3
    return true, true ^ (np.random.default_rng(seed + 1).random(true.shape) < 0.25)


@given(masks=MASKS)
@settings(max_examples=40, deadline=None)
def test_dice_is_two_iou_over_one_plus_iou_and_counts_add_up(masks) -> None:
    counts = count_pixels(*masks)
    assert sum(counts) == masks[0].size
    if masks[0].any() or masks[1].any():
        assert counts.dice == pytest.approx(2 * counts.iou / (1 + counts.iou))
    else:
        assert math.isnan(counts.iou) and math.isnan(counts.dice)


@pytest.mark.parametrize("seed", range(4))
def test_counts_iou_and_dice_equal_those_of_torchmetrics(seed: int) -> None:
    true, predicted = random_masks(seed)
    counts = count_pixels(true, predicted)
    tensors = torch.from_numpy(predicted).int(), torch.from_numpy(true).int()
    tp, fp, tn, fn, _ = binary_stat_scores(*tensors).tolist()
    assert counts == (tp, fp, fn, tn)
    assert counts.iou == pytest.approx(float(binary_jaccard_index(*tensors)), abs=1e-6)
    one_class = [tensor[None, None] for tensor in tensors]
    assert counts.dice == pytest.approx(float(dice_score(*one_class, num_classes=1)), abs=1e-6)


def test_the_two_ious_of_a_data_set_differ_and_are_both_right() -> None:
    """A full image found entirely and a nearly empty one found not at all."""
    overlap = summarise_pixels([PixelCounts(90, 0, 0, 10), PixelCounts(0, 5, 5, 90), PixelCounts(0, 0, 0, 100)])
    assert overlap.pixel_iou == 0.9
    assert overlap.image_iou_mean == overlap.image_dice_mean == 0.5
    assert overlap.dice == pytest.approx(180 / 190)
    assert (overlap.n_images, overlap.n_images_measured) == (3, 2)


def test_precision_and_recall_of_pixels_by_hand() -> None:
    counts = PixelCounts(6, 2, 4, 88)
    assert (counts.precision, counts.recall) == (0.75, 0.6)


@pytest.mark.parametrize("counts", [[], [PixelCounts(0, 0, 0, 9)]])
def test_nothing_to_measure_is_nan(counts: list[PixelCounts]) -> None:
    overlap = summarise_pixels(counts)
    assert math.isnan(overlap.pixel_iou) and math.isnan(overlap.image_iou_mean) and math.isnan(overlap.dice)
    assert overlap.n_images_measured == 0


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    mask = np.zeros((3, 4), dtype=bool)
    with pytest.raises(ValueError, match=r"must have one shape \(H, W\), got \(3, 4\) and \(4, 3\)"):
        count_pixels(mask, mask.T)
    with pytest.raises(TypeError, match="`predicted_mask` must have dtype bool, got uint8"):
        count_pixels(mask, mask.astype(np.uint8))
