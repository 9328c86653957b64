"""Parameters of the evaluation."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.pipelines.partitions import ParallelParameters


class EvaluationParameters(BaseModel):
    """How a model is judged.

    Attributes:
        split: Images to judge on.
        iou: A prediction that overlaps a true box of its class by at least this is right.
        resamples: Bootstrap samples of images for the interval of F1.
        seed: Of the bootstrap.
        parallel: How drawing is spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: Literal["test", "val"] = "test"
    iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    resamples: Annotated[int, Field(ge=100)] = 2000
    seed: Annotated[int, Field(ge=0)] = 0
    parallel: ParallelParameters = ParallelParameters()
