"""Parameters of comparisons of models, those of a study and those of an experiment."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal[
    "f1", "centroid_f1", "instance_f1", "panoptic_quality", "aggregated_jaccard", "pixel_iou", "dice",
    "image_iou_mean", "count_mae",
]  # fmt: skip


class ComparisonParameters(BaseModel):
    """Parameters of the comparison of models; resampling is that of the evaluation.

    Attributes:
        metrics: What is tested, in this order; a metric that no model has is left out.
        level: Of intervals; a test whose p after Holm is below 1 - `level` tells models apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)] = (
        "f1", "centroid_f1", "instance_f1", "panoptic_quality", "pixel_iou", "count_mae"
    )  # fmt: skip
    level: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
