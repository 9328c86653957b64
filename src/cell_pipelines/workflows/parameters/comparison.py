"""Parameters of comparisons of models, those of a study and those of an experiment."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cell_pipelines.metrics.choices import metrics_shown
from cell_pipelines.metrics.evaluated import COMPARED


class ComparisonParameters(BaseModel):
    """Parameters of the comparison of models; resampling is that of the evaluation.

    Attributes:
        metrics: What is tested, in this order; a metric that no model has is left out.
        level: Of intervals; a test whose p after Holm is below 1 - `level` tells models apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = tuple(metric.name for metric in metrics_shown("tested"))
    level: Annotated[float, Field(ge=0.5, lt=1)] = 0.95

    @field_validator("metrics")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in COMPARED]
        if unknown:
            raise ValueError(f"must be among {', '.join(COMPARED)}, got {unknown[0]!r}")
        return names
