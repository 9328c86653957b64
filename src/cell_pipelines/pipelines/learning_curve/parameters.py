"""Parameters of the learning curve."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cell_pipelines.analysis.learning_curve.trainings import METRICS


class LearningCurveParameters(BaseModel):
    """Parameters of the learning curve.

    Attributes:
        metrics: Metrics on test that get a curve; those that no trial has are left out.
        targets: What a metric shall come to, by its name: "how many more images bring ap50 to 0.9?"
        more: Images to ask about: "what would 100 more bring?"; null for twice as many as there are.
        level: Of all intervals.
        alpha: Weight of the past in the exponential moving average over epochs.
        title: Of the page.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "precision", "recall", "ap50", "ap50_95", "f1", "instance_f1", "count_mae"
    )  # fmt: skip
    targets: dict[str, Annotated[float, Field(ge=0)]] = {}
    more: Annotated[int, Field(ge=1)] | None = None
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    alpha: Annotated[float, Field(ge=0, lt=1)] = 0.6
    title: str = "Learning curve"

    @field_validator("metrics", "targets")
    @classmethod
    def _known(cls, names: tuple[str, ...] | dict[str, float]) -> tuple[str, ...] | dict[str, float]:
        unknown = [name for name in names if name not in METRICS]
        if unknown:
            raise ValueError(f"must be among {', '.join(METRICS)}, got {unknown[0]!r}")
        return names
