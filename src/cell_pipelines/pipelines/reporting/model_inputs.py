"""Datasets of several models as inputs of one node, and the same by model within the node."""

from collections.abc import Sequence
from typing import Any


def model_inputs(models: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the catalog names of each model's datasets, all of one model after the other."""
    return [f"{model}.{name}" for model in models for name in names]


def by_model(models: Sequence[str], names: Sequence[str], inputs: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Return the datasets that `model_inputs` named, by model and name.

    Raises:
        ValueError: There are more or fewer than that.
    """
    if len(inputs) != len(models) * len(names):
        raise ValueError(f"{len(models)} models have {len(models) * len(names)} inputs, got {len(inputs)}.")
    rest = iter(inputs)
    return {model: {name: next(rest) for name in names} for model in models}
