"""Parameters of the threshold optimisation."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class ThresholdParameters(BaseModel):
    """How the threshold of each class is chosen.

    Attributes:
        split: Images to choose on; never those of the test.
        iou: A prediction that overlaps a true box of its class by at least this is right.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: Literal["val"] = "val"
    iou: Annotated[float, Field(gt=0, le=1)] = 0.5
