"""Binary cross-entropy with a weight for every pixel, such as a map that stresses the gaps between crowded cells."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from cell_pipelines.losses.weighting import average, weigh


class WeightedBce(nn.Module):
    """Mean of weight times binary cross-entropy over the pixels of weight above 0.

    Targets may be soft (any value in [0, 1]), as those of the `distance` representation are; the least loss is then
    their entropy, not 0.

    Args:
        positive_weight: Multiplies the part that asks for foreground; above 1 fewer cells are missed, below 1 fewer
            are invented. None for 1.
    """

    representations: ClassVar[tuple[str, ...]] = ("binary", "distance")

    def __init__(self, *, positive_weight: float | None = None) -> None:
        super().__init__()
        if positive_weight is not None and not positive_weight > 0:
            raise ValueError(f"`positive_weight` must be above 0, got {positive_weight}.")
        self.positive_weight = positive_weight

    def forward(self, logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the loss of logits and target (B, C, H, W) with weights (B, H, W)."""
        logits, target, weights = weigh(logits, target, weights)
        positive = (
            None if self.positive_weight is None else torch.full_like(logits[:1, :1, :1, :1], self.positive_weight)
        )
        values = binary_cross_entropy_with_logits(logits, target, pos_weight=positive, reduction="none")
        return average(values, weights)
