"""A decision with its reason, and the plan of a training that is made of decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cell_pipelines.failures import MistakeError

#: Columns of a plan's table.
COLUMNS = ("what", "value", "why", "numbers", "parameter")


class PlanError(MistakeError):
    """Images and annotations that nothing can be trained on; the sentence says why, and what to do."""


@dataclass(frozen=True)
class Decision:
    """One setting, and why it has its value.

    Attributes:
        what: What is set, in the field's words.
        value: As it is written on a page.
        why: Reason, as a sentence.
        numbers: Numbers that it follows from, in words.
        settings: Settings by their dotted names, such as ``segmentation.tiles.size``; none where it is a fact.
    """

    what: str
    value: str
    why: str
    numbers: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Settings of a study with the reason for each.

    Attributes:
        model: Name of the model that is trained.
        decisions: In the order in which they are shown.
    """

    model: str
    decisions: tuple[Decision, ...]

    def settings(self) -> dict[str, Any]:
        """Return all settings by their dotted names."""
        return {name: value for decision in self.decisions for name, value in decision.settings.items()}

    def table(self) -> pd.DataFrame:
        """Return one row per decision with the columns of `COLUMNS`."""
        return to_table(self.decisions)


def to_table(decisions: Sequence[Decision]) -> pd.DataFrame:
    """Return one row per decision with the columns of `COLUMNS`."""
    rows = [(d.what, d.value, d.why, d.numbers, ", ".join(d.settings)) for d in decisions]
    return pd.DataFrame(rows, columns=list(COLUMNS))
