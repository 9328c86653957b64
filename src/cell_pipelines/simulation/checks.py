"""Checks at the door: which numbers a setting may take, and the sentence that says so."""

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


def _fits(value: object, rule: Allowed) -> bool:
    if isinstance(value, bool) or not isinstance(value, Integral if rule.whole else Real):
        return False
    return rule.low <= float(value) <= rule.high


def _sentence(name: str, value: object, rule: Allowed) -> str:
    kind = "a whole number" if rule.whole else "a number"
    return f"`{name}` must be {kind} from {rule.low:g} to {rule.high:g}, got {value!r}."
