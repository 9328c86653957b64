"""Weight losses: leave out pixels of weight 0 and average over the others."""

import torch
from torch import Tensor


def weigh(logits: Tensor, target: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, target and weights in float32, ready to be multiplied and summed.

    Where a weight is 0, logits and target become 0, too: whatever stood there, NaN included, changes neither the loss
    nor its gradient.

    Args:
        logits: (B, C, H, W), any floating type.
        target: (B, C, H, W).
        weights: (B, H, W), 0 or more; None for 1 everywhere.

    Returns:
        Logits and target (B, C, H, W), weights (B, 1, H, W).

    Raises:
        ValueError: The shapes do not fit each other.
    """
    if logits.ndim != 4 or target.shape != logits.shape:
        raise ValueError(
            "`logits` and `target` must have the same shape (B, C, H, W), "
            f"got {tuple(logits.shape)} and {tuple(target.shape)}."
        )
    logits, target = logits.float(), target.float()
    b, _, h, w = logits.shape
    if weights is None:
        return logits, target, logits.new_ones(()).expand(b, 1, h, w)
    if weights.shape != (b, h, w):
        raise ValueError(f"`weights` must have the shape {(b, h, w)}, got {tuple(weights.shape)}.")
    weights = weights.float().unsqueeze(1)
    keep = weights > 0
    return torch.where(keep, logits, 0.0), torch.where(keep, target, 0.0), weights


def average(values: Tensor, weights: Tensor) -> Tensor:
    """Return the sum of values times weights, divided by how many values have a weight above 0; 0 where none has.

    Dividing by the number of pixels, not by the sum of the weights, keeps a weight map's meaning: twice the weights,
    twice the loss; and one tile's loss does not shrink because another tile of the batch is crowded.

    Args:
        values: (B, C, H, W).
        weights: (B, 1, H, W).
    """
    count = (weights > 0).sum().clamp(min=1) * values.shape[1]
    return (values * weights).sum() / count
