"""Cross-entropy over classes that exclude each other, and the Dice loss of those that are not background."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import log_softmax

from cell_pipelines.losses.dice import check_smooth, soft_dice_loss
from cell_pipelines.losses.weighting import average, weigh


class CrossEntropyDice(nn.Module):
    """Softmax cross-entropy plus `dice_weight` times the mean Dice loss of the channels other than `background`.

    Args:
        dice_weight: Of the Dice loss beside the cross-entropy, 0 or more.
        background: Channel of the background.
        smooth: Of the Dice loss.
        per_image: Take the sums of Dice image by image instead of over the batch.
    """

    representations: ClassVar[tuple[str, ...]] = ("three_class",)

    def __init__(
        self, *, dice_weight: float = 1.0, background: int = 0, smooth: float = 1.0, per_image: bool = False
    ) -> None:
        super().__init__()
        if not dice_weight >= 0:
            raise ValueError(f"`dice_weight` must be 0 or more, got {dice_weight}.")
        self.dice_weight = dice_weight
        self.background = background
        self.smooth = check_smooth(smooth)
        self.per_image = per_image

    def forward(self, logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the loss of logits (B, C, H, W) and a one-hot target of the same shape, with weights (B, H, W)."""
        logits, target, weights = weigh(logits, target, weights)
        channels = [c for c in range(logits.shape[1]) if c != self.background]
        if not 0 <= self.background < logits.shape[1] or not channels:
            raise ValueError(f"`logits` must have channel {self.background} and others, got {tuple(logits.shape)}.")
        logs = log_softmax(logits, dim=1)
        cross_entropy = average(-(target * logs).sum(1, keepdim=True), weights)
        dice = soft_dice_loss(
            logs[:, channels].exp(), target[:, channels], weights, smooth=self.smooth, per_image=self.per_image
        )
        return cross_entropy + self.dice_weight * dice
