"""Check the numbers that a setting may take."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import NamedTuple


class Allowed(NamedTuple):
    """The range of one number, both ends included.

    Attributes:
        low: Smallest value allowed.
        high: Largest value allowed.
        whole: Whether only whole numbers are allowed.
    """

    low: float
    high: float
    whole: bool = False


# What every scene says, and the numbers it may take.
FIELD = {
    "height": Allowed(16, 20_000, whole=True),
    "width": Allowed(16, 20_000, whole=True),
    "cells": Allowed(0, 100_000, whole=True),
    "mean_radius_px": Allowed(3.0, 200.0),
    "radius_spread": Allowed(0.0, 0.5),
    "clumping": Allowed(0.0, 1.0),
    "unevenness": Allowed(0.0, 1.0),
    "vignetting": Allowed(0.0, 0.95),
    "blur_px": Allowed(0.0, 50.0),
    "noise": Allowed(0.001, 10.0),
}


def check_numbers(values: Mapping[str, object], allowed: Mapping[str, Allowed]) -> None:
    """Raise one error that names every value outside its range.

    Args:
        values: The settings by name; names that `allowed` does not know are not looked at.
        allowed: The range of each setting, by name.

    Raises:
        ValueError: If a value is not a number, is not whole where it must be, or lies out of range.
    """
    problems = [_sentence(name, values[name], rule) for name, rule in allowed.items() if not _fits(values[name], rule)]
    if problems:
        raise ValueError(" ".join(problems))


def check_scene(values: Mapping[str, object], allowed: Mapping[str, Allowed]) -> None:
    """Check all settings of a scene as `check_numbers` does, and its `bit_depth`."""
    check_numbers(values, {name: allowed[name] for name in values if name in allowed})
    check_bit_depth(values["bit_depth"])


def check_bit_depth(bit_depth: object) -> None:
    """Raise an error unless a pixel has 8 or 16 bits."""
    if bit_depth not in (8, 16):
        raise ValueError(f"`bit_depth` must be 8 or 16, got {bit_depth!r}.")


def check_seed(seed: int) -> None:
    """Raise an error unless a seed is a whole number, 0 or more, that fits into 63 bits."""
    check_numbers({"seed": seed}, {"seed": Allowed(0, 2**63 - 1, whole=True)})


def _fits(value: object, rule: Allowed) -> bool:
    if isinstance(value, bool) or not isinstance(value, Integral if rule.whole else Real):
        return False
    return rule.low <= float(value) <= rule.high


def _sentence(name: str, value: object, rule: Allowed) -> str:
    kind = "a whole number" if rule.whole else "a number"
    return f"`{name}` must be {kind} from {rule.low:g} to {rule.high:g}, got {value!r}."
