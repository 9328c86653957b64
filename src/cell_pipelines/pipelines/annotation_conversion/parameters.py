"""Parameters of the annotation conversion."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.workflows.parallel import ParallelParameters

Share = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(ge=0)]


class QualityParameters(BaseModel):
    """From where on something in the annotations is worth a look; nothing is changed.

    Attributes:
        min_area: Area in px² below which an object is tiny.
        min_median_share: Share of its class's median area below which an object is tiny.
        duplicate_iou: IoU of two objects of one class above which they are the same one.
        overlap_iou: IoU above which two objects overlap too much.
        overlap_share: Covered share of the smaller one above which they overlap too much.
        across_classes: Whether objects of different classes may not overlap either; false where nuclei lie in cells.
        point_px: Distance in pixels of two points of one class below which they are the same one.
        outside_px: Pixels by which an object may reach out of its image.
        class_ratio: Share of the most frequent class's objects that the rarest must have.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    min_area: Length = 4.0
    min_median_share: Share = 0.05
    duplicate_iou: Share = 0.95
    overlap_iou: Share = 0.5
    overlap_share: Share = 0.8
    across_classes: bool = True
    point_px: Length = 1.0
    outside_px: Length = 0.05
    class_ratio: Share = 0.1


class ConversionParameters(BaseModel):
    """Parameters of reading a source.

    Attributes:
        strict: Fail on any file skipped and any object dropped or changed, instead of listing it.
        quality: From where on something in the annotations is worth a look.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    strict: bool = False
    quality: QualityParameters = QualityParameters()
    parallel: ParallelParameters = ParallelParameters()
