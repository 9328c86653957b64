"""Dice loss: one minus the overlap of what is predicted and what is true."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from cell_pipelines.losses.weighting import weigh


def soft_dice_loss(
    probabilities: Tensor, target: Tensor, weights: Tensor, *, smooth: float = 1.0, per_image: bool = False
) -> Tensor:
    """Return 1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth), averaged over the channels.

    Every sum is weighted by pixel. An image of nothing but background, rightly predicted, has a loss of 0 because of
    `smooth`, and so has one without any pixel of weight above 0.

    Args:
        probabilities: (B, C, H, W) in [0, 1].
        target: (B, C, H, W) in [0, 1].
        weights: (B, 1, H, W).
        smooth: Added to both halves of the fraction; above 0.
        per_image: Take the sums image by image and average the losses, instead of over the batch at once.
    """
    over = (2, 3) if per_image else (0, 2, 3)
    both = (probabilities * target * weights).sum(over)
    either = ((probabilities + target) * weights).sum(over)
    losses = 1 - (2 * both + smooth) / (either + smooth)
    if not per_image:
        return losses.mean()
    seen = (weights > 0).flatten(1).any(1, keepdim=True)
    return (losses * seen).sum() / (seen.sum().clamp(min=1) * losses.shape[1])


def check_smooth(smooth: float) -> float:
    """Return `smooth`, which must be above 0: without it an empty image would divide 0 by 0."""
    if not smooth > 0:
        raise ValueError(f"`smooth` must be above 0, got {smooth}.")
    return float(smooth)


class Dice(nn.Module):
    """Dice loss of sigmoid channels (Milletari et al. 2016, with plain instead of squared sums).

    Args:
        smooth: Added to both halves of the fraction.
        per_image: Take the sums image by image instead of over the batch; small or rare cells then count for more.
    """

    representations: ClassVar[tuple[str, ...]] = ("binary",)

    def __init__(self, *, smooth: float = 1.0, per_image: bool = False) -> None:
        super().__init__()
        self.smooth = check_smooth(smooth)
        self.per_image = per_image

    def forward(self, logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the loss of logits and target (B, C, H, W); weights (B, H, W) multiply each pixel's share."""
        logits, target, weights = weigh(logits, target, weights)
        return soft_dice_loss(torch.sigmoid(logits), target, weights, smooth=self.smooth, per_image=self.per_image)
