"""Parameters of YOLO training."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from cell_pipelines.training.detection.sampling import check_oversampling
from cell_pipelines.training.detection.settings import YoloStart
from cell_pipelines.training.segmentation.sampling import Oversampling

Probability = Annotated[float, Field(ge=0, le=1)]


class AugmentationParameters(BaseModel):
    """Parameters of augmentation, by Ultralytics' names.

    Attributes:
        mosaic: Probability of four images put together.
        close_mosaic: Number of last epochs without mosaic; in a training by minutes a quarter of them at most.
        degrees: Rotation up to ± this, in degrees.
        translate: Shift up to ± this share of the image.
        scale: Zoom up to ± this share.
        shear: Shear up to ± this, in degrees.
        perspective: Perspective share, 0 to 0.001.
        flipud: Probability of a vertical flip.
        fliplr: Probability of a horizontal flip.
        hsv_h: Change of hue up to ± this share.
        hsv_s: Change of saturation up to ± this share.
        hsv_v: Change of brightness up to ± this share.
        transforms: Changes of pixels by name, each with its probability ``p`` and its arguments: Blur, MedianBlur,
            MotionBlur, ImageCompression, or those of torchvision that leave every object where it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    mosaic: Probability = 1.0
    close_mosaic: Annotated[int, Field(ge=0)] = 10
    degrees: Annotated[float, Field(ge=0, le=180)] = 0.0
    translate: Probability = 0.1
    scale: Annotated[float, Field(ge=0)] = 0.5
    shear: Annotated[float, Field(ge=0, le=180)] = 0.0
    perspective: Annotated[float, Field(ge=0, le=0.001)] = 0.0
    flipud: Probability = 0.5
    fliplr: Probability = 0.5
    hsv_h: Probability = 0.015
    hsv_s: Probability = 0.7
    hsv_v: Probability = 0.4
    transforms: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class YoloParameters(YoloStart):
    """Parameters of a YOLO training: the library's settings of its start, and Ultralytics' by our names.

    Attributes:
        image_size: Longer side of the network's input in pixels, a multiple of 32.
        epochs: Most epochs; of no effect where there are `minutes`.
        patience: Epochs without a better validation result before stopping; 0 for never.
        batch: Images a step.
        nominal_batch: Images an update of the weights; gradients of several steps are added up to it.
        optimizer: Ultralytics' name.
        learning_rate: At the start.
        final_learning_rate: At the end, as a share of the one at the start.
        cosine_schedule: Fall along a cosine instead of a line.
        momentum: Of the optimizer, beta 1 for Adam's kind.
        weight_decay: Of the optimizer.
        warmup_epochs: Epochs of rising learning rate.
        seed: Of everything random.
        cache: Keep the decoded images in memory.
        workers: Processes that load images, on a GPU.
        overlap_mask: Of networks with masks: each pixel belongs to the smallest object there, so that cells cut into
            each other; else every cell keeps its own whole mask, at more memory.
        mask_ratio: Of networks with masks: they are learnt at 1 / this of the input's size. Memory grows with the
            square: cells of a batch * 10 * (image_size / mask_ratio)² * 4 bytes, several times.
        resume: Go on from the last finished epoch of an interrupted training.
        samples: Augmented samples on the contact sheet.
        oversampling: Which images or tiles come more often in an epoch, which is as much longer: those that show a
            class or whose name fits, by ``rules``, or those of many cells, by ``density``.
        augmentation: How training images are varied.
    """

    image_size: Annotated[int, Field(ge=32, multiple_of=32)] = 640
    epochs: Annotated[int, Field(ge=1)] = 100
    patience: Annotated[int, Field(ge=0)] = 50
    batch: Annotated[int, Field(ge=1)] = 8
    nominal_batch: Annotated[int, Field(ge=1)] = 64
    optimizer: Literal["auto", "SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp"] = "AdamW"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    final_learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.01
    cosine_schedule: bool = False
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    warmup_epochs: Annotated[float, Field(ge=0)] = 3.0
    seed: Annotated[int, Field(ge=0)] = 0
    cache: bool = False
    workers: Annotated[int, Field(ge=0)] = 8
    overlap_mask: bool = False
    mask_ratio: Literal[1, 2, 4] = 2
    resume: bool = False
    samples: Annotated[int, Field(ge=1, le=64)] = 12
    oversampling: Oversampling = Oversampling()
    augmentation: AugmentationParameters = AugmentationParameters()

    def __post_init__(self) -> None:
        """Check what Pydantic can't.

        Raises:
            ValueError: The minutes or the oversampling are not for this kind of training.
        """
        super().__post_init__()
        check_oversampling(self.oversampling)

    def mask_settings(self) -> dict[str, Any]:
        """Return the settings of networks with masks only, by Ultralytics' names."""
        return {"overlap_mask": self.overlap_mask, "mask_ratio": self.mask_ratio}

    def to_ultralytics(self) -> dict[str, Any]:
        """Return the settings of all networks by Ultralytics' names."""
        renamed = {
            "image_size": "imgsz", "nominal_batch": "nbs", "learning_rate": "lr0", "final_learning_rate": "lrf",
            "cosine_schedule": "cos_lr",
        }  # fmt: skip
        same = (
            "epochs",
            "patience",
            "batch",
            "optimizer",
            "momentum",
            "weight_decay",
            "warmup_epochs",
            "seed",
            "cache",
            "workers",
        )
        values = self.augmentation.model_dump(exclude={"transforms"})
        return {
            **{k: getattr(self, k) for k in same},
            **{v: getattr(self, k) for k, v in renamed.items()},
            **values,
        }
