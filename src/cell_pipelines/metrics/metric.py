"""Describe one number of the evaluation: its name, titles, definition and how it is computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cell_pipelines.metrics.ratios import share


@dataclass(frozen=True)
class Metric:
    """One number of the evaluation.

    Attributes:
        name: Its column in tables, and its name in MLflow.
        title: What figures and sentences call it.
        heading: What stands above its column on a page.
        definition: One sentence with the formula.
        columns: The counts that it is a ratio of, each summed over images; none for one that is computed otherwise.
        ratio: Takes these sums and gives the metric.
        has_interval: Whether it comes with a bootstrap interval.
    """

    name: str
    title: str
    heading: str
    definition: str
    columns: tuple[str, ...] = ()
    ratio: Callable[..., Any] = share
    has_interval: bool = False

    def __post_init__(self) -> None:
        if not self.definition.endswith(".") or not self.title or not self.heading:
            raise ValueError(f"the metric {self.name} must have a title, a heading and a definition of one sentence.")

    @property
    def higher_is_better(self) -> bool:
        """Whether more is better; errors of counts are better near 0, but for R²."""
        return not self.name.startswith("count_") or self.name == "count_r2"
