"""Each loss equals its formula written out in NumPy, float64, pixel by pixel."""

from typing import Any

import numpy as np
import pytest
import torch

from cell_pipelines.losses.registry import create_loss

GENERATOR = np.random.default_rng(7)
SHAPE = (3, 9, 8)
WEIGHTS = GENERATOR.uniform(0.2, 3, SHAPE) * (GENERATOR.random(SHAPE) > 0.2)
LOGITS = GENERATOR.normal(0, 2, (3, 5, 9, 8))
HARD = (GENERATOR.random((3, 5, 9, 8)) > 0.5).astype(float)
SOFT = GENERATOR.random((3, 5, 9, 8))
W = WEIGHTS[:, None]
N = np.count_nonzero(WEIGHTS)


def ours(name: str, logits: np.ndarray, target: np.ndarray, **options: Any) -> float:
    tensors = (torch.from_numpy(x) for x in (logits, target, WEIGHTS))
    return float(create_loss(name, **options)(*tensors))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def dice(p: np.ndarray, t: np.ndarray, smooth: float = 1.0) -> float:
    """Return the mean Dice loss of the channels, summed over the batch."""
    losses = [
        1 - (2 * (p * t * W)[:, c].sum() + smooth) / (((p + t) * W)[:, c].sum() + smooth) for c in range(p.shape[1])
    ]
    return float(np.mean(losses))


def entropy(p: np.ndarray, t: np.ndarray, positive: float = 1.0, negative: float = 1.0) -> np.ndarray:
    return -(positive * t * np.log(p) + negative * (1 - t) * np.log(1 - p))


@pytest.mark.parametrize("smooth", [1.0, 0.1, 30.0])
def test_dice(smooth: float) -> None:
    assert ours("dice", LOGITS, HARD, smooth=smooth) == pytest.approx(dice(sigmoid(LOGITS), HARD, smooth), rel=1e-5)


def test_dice_per_image_is_the_mean_over_images_that_have_pixels() -> None:
    tensors = torch.from_numpy(LOGITS), torch.from_numpy(HARD), torch.from_numpy(WEIGHTS)
    each = [float(create_loss("dice")(*(x[i : i + 1] for x in tensors))) for i in range(3)]
    assert ours("dice", LOGITS, HARD, per_image=True) == pytest.approx(np.mean(each), rel=1e-5)
    weights = tensors[2].clone()
    weights[1] = 0
    found = float(create_loss("dice", per_image=True)(tensors[0], tensors[1], weights))
    assert found == pytest.approx((each[0] + each[2]) / 2, rel=1e-5)


@pytest.mark.parametrize("positive", [None, 0.3, 4.0])
def test_weighted_bce_of_soft_and_hard_targets(positive: float | None) -> None:
    for target in (HARD, SOFT):
        expected = (W * entropy(sigmoid(LOGITS), target, positive or 1.0)).sum() / (N * 5)
        assert ours("weighted_bce", LOGITS, target, positive_weight=positive) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.5), (0.2, 0.9), (1.0, 0.3), (0.0, 0.5)])
def test_combo(alpha: float, beta: float) -> None:
    p = sigmoid(LOGITS)
    cross_entropy = (W * entropy(p, HARD, beta, 1 - beta)).sum() / (N * 5)
    expected = alpha * cross_entropy + (1 - alpha) * dice(p, HARD)
    assert ours("combo", LOGITS, HARD, alpha=alpha, beta=beta) == pytest.approx(expected, rel=1e-5)


def test_beta_above_a_half_punishes_misses_more_than_inventions() -> None:
    logits, target = torch.full((1, 1, 4, 4), -2.0), torch.ones(1, 1, 4, 4)
    loss = create_loss("combo", alpha=1.0, beta=0.8)
    assert loss(logits, target, None) > loss(-logits, 1 - target, None)


@pytest.mark.parametrize("scale", [5.0, 0.5])
def test_flows(scale: float) -> None:
    logits, target = LOGITS[:, :3], np.concatenate([HARD[:, :1], SOFT[:, 1:3]], axis=1)
    cells = (W * entropy(sigmoid(logits[:, :1]), target[:, :1])).sum() / N
    errors = (W * (scale * logits[:, 1:] - scale * target[:, 1:]) ** 2).sum() / (N * 2)
    assert ours("flows", logits, target, scale=scale) == pytest.approx(cells + errors / 2, rel=1e-5)


@pytest.mark.parametrize("background", [0, 2])
def test_cross_entropy_and_dice_of_the_other_channels(background: int) -> None:
    logits = LOGITS[:, :3]
    classes = HARD[:, 0] + HARD[:, 1]
    target = np.stack([classes == c for c in range(3)], axis=1).astype(float)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    others = [c for c in range(3) if c != background]
    cross_entropy = -(W * target * np.log(p)).sum() / N
    expected = cross_entropy + 0.7 * dice(p[:, others], target[:, others])
    found = ours("cross_entropy_dice", logits, target, dice_weight=0.7, background=background)
    assert found == pytest.approx(expected, rel=1e-5)


def test_star_follows_the_terms_of_stardist() -> None:
    """As `prob_loss` and `masked_loss_mae` of stardist/models/base.py, over the pixels that are left in."""
    target = np.concatenate([SOFT[:, :1], 10 * SOFT[:, 1:]], axis=1)
    mask = target[:, 0]
    mae = np.abs(target[:, 1:] - LOGITS[:, 1:]).mean(1)
    distance = (WEIGHTS * mask * mae).sum() / N / (mask[WEIGHTS > 0].mean() + 1e-7)
    background = (WEIGHTS * (1 - mask) * np.abs(LOGITS[:, 1:]).mean(1)).sum() / N
    probability = (WEIGHTS * entropy(sigmoid(LOGITS[:, 0]), mask)).sum() / N
    expected = probability + 0.2 * (distance + 0.01 * background)
    assert ours("star", LOGITS, target, background=0.01) == pytest.approx(expected, rel=1e-5)


def test_channels_that_a_loss_needs_are_asked_for() -> None:
    one = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match="a probability and distances, got 1 channel"):
        create_loss("star")(one, one, None)
    with pytest.raises(ValueError, match="must have channel 0 and others"):
        create_loss("cross_entropy_dice")(one, one, None)
    with pytest.raises(ValueError, match="must have channel 3 and others"):
        create_loss("cross_entropy_dice", background=3)(one.expand(1, 3, 4, 4), one.expand(1, 3, 4, 4), None)
