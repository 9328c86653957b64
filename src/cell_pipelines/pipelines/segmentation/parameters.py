"""Parameters of the segmentation networks: what all of a study share, and what one of them has of its own."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.models.accelerators import Device
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.sampling import Oversampling

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Side = Annotated[int, Field(ge=16)]


class Choice(BaseModel):
    """One of a registry's entries, with its options.

    Attributes:
        name: Name in the registry.
        options: Its options by name; those that end in ``_um`` are lengths in micrometres and become pixels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    options: dict[str, Any] = {}


class TileParameters(BaseModel):
    """Parameters of drawing tiles from full images.

    Attributes:
        size: Side in pixels; smaller images are filled up, without weight.
        overlap: Least overlap of neighbouring tiles in pixels.
        jitter: Whether their places vary.
        per_epoch: Tiles an epoch; 0 for as many as cover the images once.
        cache: Where prepared images are kept, ``memory`` or ``disk``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    size: Side = 256
    overlap: Annotated[int, Field(ge=0)] = 32
    jitter: bool = True
    per_epoch: Annotated[int, Field(ge=0)] = 0
    cache: Literal["memory", "disk"] = "memory"


class ScheduleParameters(BaseModel):
    """Parameters of the learning rate.

    Attributes:
        name: ``constant``; ``plateau``: times `factor` after `patience` epochs without a better `monitor`;
            ``cosine``: down to almost 0; ``one_cycle``: up and down.
        factor: Of a plateau.
        patience: Of a plateau, in epochs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Literal["constant", "plateau", "cosine", "one_cycle"] = "one_cycle"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 4


class SegmentationParameters(BaseModel):
    """Parameters that all segmentation networks of a study share.

    Attributes:
        categories: Classes to learn; None for all.
        resize: Height and width that the network sees every image at; None for their own.
        cell_diameter_px: Each image is rescaled so that its median cell has this diameter, and new images alike; None
            for their own size.
        start_from: A starter model by name, or a model file, of the same network: its weights are where the training
            starts; None for none.
        colour: ``rgb``: three channels, grey repeated; ``grey``: one; ``channels``: as many as the images have.
        normalisation: How intensities come to [0, 1]. ``percentile``: by the image's own 0.1 to 99.9 percent, the same
            for 8, 12 or 16 bits and floats; ``full_range``: by the largest number of the image's type, so 8 bit by 255.
        representation: How the network stands for cells.
        loss: What it is punished for.
        weight_map: Weight of each pixel in the loss: ``none``, ``crowding`` (study neurons), ``border`` (U-Net).
        tiles: How tiles are drawn.
        oversampling: Which are drawn more often: by an image's name, a class or an attribute they show, by the number
            of their cells, by the last epoch's error.
        augmentation: How they are varied; image, labels and weights move alike.
        epochs: Most epochs.
        early_stopping: Epochs without a better `monitor` before stopping; 0 for never.
        monitor: What the best checkpoint, early stopping and plateaus look at.
        batch: Tiles a step.
        accumulate: Steps whose gradients are added up for one update.
        optimizer: Name.
        learning_rate: At the start, or its peak; ``find`` looks for it.
        momentum: Of ``sgd``.
        weight_decay: Of the optimizer.
        schedule: How the learning rate changes.
        gradient_clip: Largest norm of the gradient; 0 for any.
        seed: Of everything random.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: Number of GPUs, or ``auto`` for all.
        precision: ``auto``: mixed on a GPU, float32 on a CPU.
        channels_last: Memory layout that convolutions on a CPU like best.
        workers: Processes that prepare tiles; 0 prepares them in between.
        resume: Go on from the last finished epoch of an interrupted training.
        samples_every: Epochs between sample predictions in MLflow; 0 for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    categories: tuple[str, ...] | None = None
    resize: tuple[Side, Side] | None = None
    cell_diameter_px: Annotated[float, Field(ge=4)] | None = None
    start_from: str | None = None
    colour: Literal["rgb", "grey", "channels"] = "rgb"
    normalisation: Literal["full_range", "percentile"] = "percentile"
    representation: Choice = Choice(name="binary")
    loss: Choice = Choice(name="combo")
    weight_map: Choice = Choice(name="none")
    tiles: TileParameters = TileParameters()
    oversampling: Oversampling = Oversampling()
    augmentation: Augmentation = Augmentation()
    epochs: Annotated[int, Field(ge=1)] = 100
    early_stopping: Annotated[int, Field(ge=0)] = 0
    monitor: Literal["val_loss", "val_dice", "val_iou"] = "val_loss"
    batch: Annotated[int, Field(ge=1)] = 8
    accumulate: Annotated[int, Field(ge=1)] = 1
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Positive | Literal["find"] = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: NotNegative = 0.0
    schedule: ScheduleParameters = ScheduleParameters()
    gradient_clip: NotNegative = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    device: Device = "auto"
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = 1
    precision: Literal["auto", "float32", "bfloat16", "mixed"] = "auto"
    channels_last: bool = True
    workers: Annotated[int, Field(ge=0)] = 0
    resume: bool = False
    samples_every: Annotated[int, Field(ge=0)] = 5


class NetworkParameters(BaseModel):
    """One network, and where its training differs from the study's.

    Attributes:
        architecture: Name in ``models/registry.py``.
        encoder: Encoder by the name that segmentation-models-pytorch knows; None where the architecture has its own.
        encoder_weights: Pretrained weights of the encoder by name, such as ``imagenet``, or a path; None for none.
        options: Of the architecture, by name.
        training: What differs from the ``segmentation`` parameters, by the same names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    architecture: str
    encoder: str | None = None
    encoder_weights: str | None = None
    options: dict[str, Any] = {}
    training: dict[str, Any] = {}

    def merged(self, shared: SegmentationParameters) -> SegmentationParameters:
        """Return the study's parameters with this network's own on top, checked."""
        return SegmentationParameters.model_validate(_merge(shared.model_dump(), self.training))


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes`; another name of a registry's entry brings its own options."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "options"
        is_renamed = nested and "options" in base[key] and value.get("name", base[key]["name"]) != base[key]["name"]
        merged[key] = _merge(base[key], value) if nested and not is_renamed else value
    return merged
