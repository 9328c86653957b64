"""Scores of a network's logits, channel by channel, and the logits that have given scores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

import torch
from torch import Tensor

# Nearer to 0 or 1 a score of 32 bits has no logit.
_LEAST = 1e-7

_ACTIVATE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda logits: logits.softmax(2),
    "identity": lambda logits: logits,
}
_INVERT: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda scores: torch.logit(scores, eps=_LEAST),
    "softmax": lambda scores: scores.clamp(min=_LEAST).log(),
    "identity": lambda scores: scores,
}


def activate(logits: Tensor, activations: Sequence[str]) -> Tensor:
    """Return logits (B, K * C, H, W) as scores; each category's C channels by their activations.

    Args:
        logits: Float, of any values.
        activations: ``sigmoid``, ``softmax`` or ``identity`` for each of C channels; neighbouring ``softmax`` channels
            are normalised together.
    """
    return _each(logits, activations, _ACTIVATE)


def to_logits(scores: Tensor, activations: Sequence[str]) -> Tensor:
    """Return logits (B, K * C, H, W) whose activation is `scores`, but for 1e-7 at 0 and 1.

    Args:
        scores: As `activate` gives them, or averages of such.
        activations: As in `activate`.
    """
    return _each(scores, activations, _INVERT)


def _each(values: Tensor, activations: Sequence[str], functions: Mapping[str, Callable[[Tensor], Tensor]]) -> Tensor:
    if set(activations) <= {"sigmoid", "identity"} and len(set(activations)) == 1:
        return functions[activations[0]](values)
    batch, _, height, width = values.shape
    folded = values.reshape(batch, -1, len(activations), height, width)
    parts = [functions[name](folded[:, :, first:last]) for name, first, last in _runs(activations)]
    return torch.cat(parts, dim=2).flatten(1, 2)


def _runs(activations: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each run of equal activations with its first channel and the one after its last."""
    first = 0
    for name, group in groupby(activations):
        last = first + len(list(group))
        yield name, first, last
        first = last
