"""Parameters of prediction."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.pipelines.partitions import ParallelParameters

Share = Annotated[float, Field(ge=0, le=1)]


class InferenceParameters(BaseModel):
    """How a detector is run; the same for evaluation and for new images.

    Attributes:
        confidence: Lowest score that is stored; what counts as a cell is decided later by the threshold.
        iou: Of two boxes of one class that overlap more, the better one stays.
        max_detections: Most boxes an image may give, an error where it is reached; None for no limit.
        image_size: Longer side of the network's input in pixels; None for the one it was trained with.
        margin: Grey border that the network sees around an image, both sides together, in strides (of 32 pixels).
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    confidence: Share = 0.001
    iou: Share = 0.7
    max_detections: Annotated[int, Field(ge=1)] | None = None
    image_size: Annotated[int, Field(ge=32)] | None = None
    margin: Annotated[float, Field(ge=0, le=4)] = 0.5
    device: Literal["auto", "cpu", "cuda"] = "auto"


class PredictionParameters(BaseModel):
    """What comes out for new images.

    Attributes:
        format: Annotation format that the cells are written in.
        confidence: Threshold for all classes; None for those stored in the model.
        overlays: Draw the cells on the images.
        strict: Fail on an image that can't be read, instead of listing it.
        parallel: How drawing is spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = "coco"
    confidence: Share | None = None
    overlays: bool = True
    strict: bool = False
    parallel: ParallelParameters = ParallelParameters()
