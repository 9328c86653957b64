"""Ranges of the parameters that a search chooses from, and when it ends a trial early."""

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Value = str | int | float | bool | None


class FloatRange(BaseModel):
    """A number between two others.

    Attributes:
        low: The least.
        high: The largest.
        log: Choose its logarithm evenly, as for learning rates; `low` must be above 0.
        step: Only `low` and multiples of this above it; None for any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["float"]
    low: float
    high: float
    log: bool = False
    step: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _check_range(self.low, self.high, log=self.log, step=self.step)
        return self

    def distribution(self) -> "BaseDistribution":
        """Return it as Optuna takes it."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def halfway(self) -> float:
        """Return the value halfway between both ends."""
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2


class IntRange(BaseModel):
    """A whole number between two others, both included.

    Attributes:
        low: The least.
        high: The largest.
        log: Choose its logarithm evenly; `low` must be above 0.
        step: Only `low` and multiples of this above it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["int"]
    low: int
    high: int
    log: bool = False
    step: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _check_range(self.low, self.high, log=self.log, step=None if self.step == 1 else self.step)
        return self

    def distribution(self) -> "BaseDistribution":
        """Return it as Optuna takes it."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def halfway(self) -> int:
        """Return the value halfway between both ends."""
        wanted = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return self.low + round((wanted - self.low) / self.step) * self.step


class Choice(BaseModel):
    """One of some values without an order.

    Attributes:
        values: Text, numbers, true, false or null.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["categorical"]
    values: Annotated[tuple[Value, ...], Field(min_length=2)]

    def distribution(self) -> "BaseDistribution":
        """Return it as Optuna takes it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def halfway(self) -> Value:
        """Return the first value."""
        return self.values[0]


Range = Annotated[FloatRange | IntRange | Choice, Field(discriminator="type")]


class Pruning(BaseModel):
    """Successive halving (Li et al. 2020, asynchronous): of the trials that come so far, only the best go on.

    Attributes:
        first: Share of its training after which a trial is compared with the others for the first time; then after
            `keep` times as much, and so on, but in the last third no trial is ended.
        keep: One in so many goes on.
        metric: Column of the training's history that trials are compared by, the best so far; None for ``val_dice`` of
            networks and ``val_ap50_95`` of detectors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    first: Annotated[float, Field(gt=0, lt=1)] = 0.1
    keep: Annotated[int, Field(ge=2)] = 3
    metric: str | None = None


def _check_range(low: float, high: float, *, log: bool, step: Any) -> None:
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"`low` must be below `high`, got {low:g} and {high:g}")
    if log and (low <= 0 or step is not None):
        raise ValueError(f"with `log`, `low` must be above 0 and there is no `step`, got {low:g} and {step}")
