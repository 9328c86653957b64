"""The loss of flows: whether pixels lie in a cell, and the way to its centre."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from cell_pipelines.losses.weighting import average, weigh


class FlowsLoss(nn.Module):
    """Cellpose's loss (Stringer et al. 2021): binary cross-entropy of the cells, plus half the squared error of flows.

    Flows and their targets are multiplied by 5 before, as Cellpose does, which gives them the weight of the
    cross-entropy; its networks put the multiplied ones out, those here unit vectors.

    Args:
        scale: By which flows are multiplied, 0 or more.
    """

    representations: ClassVar[tuple[str, ...]] = ("flows",)

    def __init__(self, *, scale: float = 5.0) -> None:
        super().__init__()
        if not scale >= 0:
            raise ValueError(f"`scale` must be 0 or more, got {scale}.")
        self.scale = scale

    def forward(self, logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the loss; of both (B, 3, H, W) channel 0 is the cell, 1 and 2 are the flows' rows and columns."""
        logits, target, weights = weigh(logits, target, weights)
        if logits.shape[1] != 3:
            raise ValueError(f"`logits` must hold cell, rows and columns, got {logits.shape[1]} channels.")
        inside = binary_cross_entropy_with_logits(logits[:, :1], target[:, :1], reduction="none")
        errors = (self.scale * (logits[:, 1:] - target[:, 1:])) ** 2
        return average(inside, weights) + average(errors, weights) / 2
