"""Combo loss: weighted cross-entropy and Dice, mixed."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from cell_pipelines.losses.dice import check_smooth, soft_dice_loss
from cell_pipelines.losses.weighting import average, weigh


class Combo(nn.Module):
    """The combo loss of Taghanaki et al. 2019 (Computerized Medical Imaging and Graphics 75, 24-33).

    alpha * mean(-(beta t log p + (1 - beta) (1 - t) log(1 - p))) + (1 - alpha) * (1 - Dice).

    The original subtracts (1 - alpha) Dice; adding the Dice loss 1 - Dice differs by the constant 1 - alpha only, so
    gradients are the same and a perfect prediction has a loss of 0. The neural-cells study (2023) prints the formula
    with a minus before that Dice *loss*, which would reward bad overlap, with `y - log p` for `y log p`, and with the
    minus of the cross-entropy on its first half only; its text describes the loss meant here. It lets beta exceed 1,
    where 1 - beta would reward false positives; the original has beta in [0, 1] and 0.5 as the balance.

    Args:
        alpha: Share of the cross-entropy, in [0, 1]; the rest is Dice.
        beta: In [0, 1]; above 0.5 misses cost more than false positives, below 0.5 less.
        smooth: Of the Dice loss.
        per_image: Take the sums of Dice image by image instead of over the batch.
    """

    representations: ClassVar[tuple[str, ...]] = ("binary",)

    def __init__(self, *, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0, per_image: bool = False) -> None:
        super().__init__()
        for name, value in (("alpha", alpha), ("beta", beta)):
            if not 0 <= value <= 1:
                raise ValueError(f"`{name}` must lie in [0, 1], got {value}.")
        self.alpha = alpha
        self.beta = beta
        self.smooth = check_smooth(smooth)
        self.per_image = per_image

    def forward(self, logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the loss of logits and target (B, C, H, W); weights (B, H, W) apply to both halves."""
        logits, target, weights = weigh(logits, target, weights)
        missed = self.beta * target * logsigmoid(logits)
        invented = (1 - self.beta) * (1 - target) * logsigmoid(-logits)
        cross_entropy = average(-(missed + invented), weights)
        dice = soft_dice_loss(torch.sigmoid(logits), target, weights, smooth=self.smooth, per_image=self.per_image)
        return self.alpha * cross_entropy + (1 - self.alpha) * dice
