"""The loss of star-convex polygons: where the centres of cells are, and how far it is to the outline from there."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from cell_pipelines.losses.weighting import average, weigh

#: Keeps the division by an object probability of 0 everywhere at 0.
_EPSILON = 1e-7


class StarConvex(nn.Module):
    """StarDist's loss (Schmidt et al. 2018; the terms and defaults of its 0.9 models).

    Binary cross-entropy of the object probability, plus `distance_weight` times: the mean absolute error of the
    distances, in pixels, weighted by the true object probability and divided by its mean, plus `background` times the
    mean absolute distance predicted outside of cells. The least loss is the entropy of the soft object probability.

    Args:
        distance_weight: Of the distances beside the probability, 0 or more.
        background: Weight that draws distances in the background to 0, 0 or more.
    """

    representations: ClassVar[tuple[str, ...]] = ("star",)

    def __init__(self, *, distance_weight: float = 0.2, background: float = 1e-4) -> None:
        super().__init__()
        if not distance_weight >= 0 or not background >= 0:
            raise ValueError(
                f"`distance_weight` and `background` must be 0 or more, got {distance_weight} and {background}."
            )
        self.distance_weight = distance_weight
        self.background = background

    def forward(self, logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the loss; channel 0 of both (B, 1 + rays, H, W) is the probability, the rest are the distances."""
        logits, target, weights = weigh(logits, target, weights)
        if logits.shape[1] < 2:
            raise ValueError(f"`logits` must hold a probability and distances, got {logits.shape[1]} channel.")
        inside = target[:, :1]
        probability = average(binary_cross_entropy_with_logits(logits[:, :1], inside, reduction="none"), weights)
        errors = average((logits[:, 1:] - target[:, 1:]).abs() * inside, weights)
        outside = average(logits[:, 1:].abs() * (1 - inside), weights)
        distance = errors / (average(inside, (weights > 0).float()) + _EPSILON)
        return probability + self.distance_weight * (distance + self.background * outside)
