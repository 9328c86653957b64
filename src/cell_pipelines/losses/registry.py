"""The losses by name, and which representation of cells each one fits."""

import inspect
from typing import Any

from cell_pipelines.losses.combo import Combo
from cell_pipelines.losses.cross_entropy_dice import CrossEntropyDice
from cell_pipelines.losses.dice import Dice
from cell_pipelines.losses.flows import FlowsLoss
from cell_pipelines.losses.star import StarConvex
from cell_pipelines.losses.weighted_bce import WeightedBce

Loss = Dice | WeightedBce | Combo | CrossEntropyDice | StarConvex | FlowsLoss

#: Each has `representations`, the names of those whose targets it can compare.
LOSSES: dict[str, type[Loss]] = {
    "dice": Dice,
    "weighted_bce": WeightedBce,
    "combo": Combo,
    "cross_entropy_dice": CrossEntropyDice,
    "star": StarConvex,
    "flows": FlowsLoss,
}


def create_loss(name: str, **options: Any) -> Loss:
    """Return the loss called `name`.

    Example:
        >>> import torch
        >>> loss = create_loss("combo", alpha=0.7)
        >>> float(loss(torch.full((1, 1, 4, 4), -20.0), torch.zeros(1, 1, 4, 4), None)) < 1e-6
        True

    Raises:
        ValueError: There is no such loss, or it has no such option; the sentence lists those there are.
    """
    if name not in LOSSES:
        raise ValueError(f"`loss` must be one of {', '.join(LOSSES)}, got {name!r}.")
    known = list(inspect.signature(LOSSES[name]).parameters)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ValueError(f"the loss {name!r} has no option {', '.join(unknown)}; it has {', '.join(known)}.")
    return LOSSES[name](**options)
