"""Parameters of prediction."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cell_pipelines.imaging.description import MAX_PIXEL_UM
from cell_pipelines.models.accelerators import Device
from cell_pipelines.workflows.parallel import ParallelParameters

Share = Annotated[float, Field(ge=0, le=1)]


class InferenceParameters(BaseModel):
    """Parameters of inference, the same for evaluation and new images; what a kind of model does not know, it ignores.

    Attributes:
        tile: Side in pixels of the tiles that larger images are cut into; None for whole images, and for networks for
            as large as memory allows.
        overlap: Least overlap of neighbouring tiles in pixels; more than the largest cell. None for 5/4 of the longer
            side of the cells that the model was trained on, at least 64, and for detectors 128.
        memory_gb: Memory that a network's work may take; None for 2 GB, or most of a GPU's.
        test_time_augmentation: Networks average over eight turns and mirror images.
        precision: Of networks; ``bfloat16`` is faster where the processor has instructions for it.
        engine: Library that runs segmentation networks: ``pytorch``, or on the processor ``onnxruntime`` (float32 only)
            or ``openvino``, of the extra `engines`. ``auto`` takes the fastest, in either precision, that gives the
            same counts in parts of the first four images; the table of counts names it.
        confidence: Lowest score that is stored; what counts as a cell is decided later by the threshold.
        iou: Of two boxes of one class that overlap more, the better one stays.
        agnostic: Of two boxes of any two classes, too, so that an object has one class. None for YOLO networks with
            masks, and not for those with boxes only.
        mask_confidence: Lowest score that an object with a mask is stored with, where it is above `confidence`; None
            for 0.01, since below it lie thousands of masks an image.
        max_detections: Most boxes an image may give, an error where it is reached; None for no limit.
        image_size: Longer side of the network's input in pixels; None for the one it was trained with.
        margin: Grey border that the network sees around an image, both sides together, in strides (of 32 pixels).
        diameter_px: Typical diameter of the images' cells in pixels, for a model that knows cells of one diameter, such
            as a starter; ``auto`` estimates it from each image. None is ``auto`` for such a model; for any other, which
            sees images as they are, there is nothing to be given.
        diameter_um: The same in micrometres; the images must tell the size of their pixels, or `pixel_size_um`.
        pixel_size_um: Side of a pixel in micrometres, of images whose files don't tell; where a file tells another,
            that one is used, with a warning.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        trust: Open a YOLO file that names other code than known layers; that code then runs with all that you may do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    tile: Annotated[int, Field(ge=32)] | None = None
    overlap: Annotated[int, Field(ge=0)] | None = None
    memory_gb: Annotated[float, Field(gt=0)] | None = None
    test_time_augmentation: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    engine: Literal["pytorch", "onnxruntime", "openvino", "auto"] = "pytorch"
    confidence: Share = 0.001
    iou: Share = 0.7
    agnostic: bool | None = None
    mask_confidence: Share | None = None
    max_detections: Annotated[int, Field(ge=1)] | None = None
    image_size: Annotated[int, Field(ge=32)] | None = None
    margin: Annotated[float, Field(ge=0, le=4)] = 0.5
    diameter_px: Annotated[float, Field(gt=0)] | Literal["auto"] | None = None
    diameter_um: Annotated[float, Field(gt=0)] | None = None
    pixel_size_um: Annotated[float, Field(gt=0, le=MAX_PIXEL_UM)] | None = None
    device: Device = "auto"
    trust: bool = False

    @model_validator(mode="after")
    def _give_one_diameter(self) -> "InferenceParameters":
        if self.diameter_px is not None and self.diameter_um is not None:
            raise ValueError("`diameter_px` and `diameter_um` both say how large cells are; leave one of them out")
        return self


class PredictionParameters(BaseModel):
    """Parameters of counts in new images.

    Attributes:
        format: Annotation format that the cells are written in.
        confidence: Threshold for all classes; None for those stored in the model.
        overlays: Draw the cells on the images.
        strict: Fail on an image that can't be read, instead of listing it.
        parallel: How prediction, reading and drawing are spread over processors; each process loads the model.
        regions: Folder or file with annotated regions in which cells are counted besides; None for none.
        regions_format: Annotation format of the regions; ``auto`` recognises it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = "coco"
    confidence: Share | None = None
    overlays: bool = True
    strict: bool = False
    parallel: ParallelParameters = ParallelParameters()
    regions: str | None = None
    regions_format: str = "auto"
