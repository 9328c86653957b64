"""Hold the settings of a segmentation training: each with its one name, default and range."""

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cell_pipelines.imaging.intensity import Colour, Normalisation
from cell_pipelines.models.accelerators import Device
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.fine_tuning import FineTuning
from cell_pipelines.training.segmentation.sampling import Oversampling

if TYPE_CHECKING:
    from cell_pipelines.models.spec import NetworkSpec

Monitor = Literal["val_loss", "val_dice", "val_iou"]
Precision = Literal["auto", "float32", "bfloat16", "mixed"]

# Sides in pixels below which a network with five levels has nothing left.
_LEAST_SIDE = 16
_EVERYTHING_LEARNS = FineTuning()
_AUGMENTATION = Augmentation(horizontal_flip=0.5, vertical_flip=0.5, brightness=0.2)
_LEAST = {
    "epochs": 1, "batch": 1, "accumulate": 1, "workers": 0, "early_stopping": 0, "weight_decay": 0, "momentum": 0,
    "gradient_clip": 0, "samples_every": 0, "samples": 0, "seed": 0,
}  # fmt: skip


def _below(settings: Any, least: dict[str, int]) -> list[str]:
    """Return what is wrong with settings below the least that they may be, or nan."""
    return [
        f"`{name}` must be {lowest} or more, got {getattr(settings, name)}"
        for name, lowest in least.items()
        if not getattr(settings, name) >= lowest
    ]


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise ValueError("; ".join(wrong) + ".")


@dataclass(frozen=True)
class Choice:
    """One of a registry's entries, with its options.

    Attributes:
        name: Name in the registry.
        options: Its options by name; in a study's parameters those that end in ``_um`` are lengths in micrometres,
            which become pixels.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tiles:
    """Settings of drawing tiles from full images.

    Attributes:
        size: Side in pixels, 16 or more; smaller images are filled up, without weight.
        overlap: Least overlap of neighbouring tiles in pixels.
        jitter: Whether their places vary.
        per_epoch: Tiles per epoch, rounded up to whole batches; 0 for as many as cover the images once.
        cache: ``memory`` keeps the prepared images there, ``disk`` in the folder of the training.
    """

    size: int = 128
    overlap: int = 16
    jitter: bool = True
    per_epoch: int = 96
    cache: Literal["memory", "disk"] = "memory"

    def __post_init__(self) -> None:
        _refuse([
            *_below(self, {"size": _LEAST_SIDE, "overlap": 0, "per_epoch": 0}),
            *([] if self.overlap < self.size else
              [f"`overlap` must be smaller than `size` ({self.size}), got {self.overlap}"]),
        ])  # fmt: skip


@dataclass(frozen=True)
class Schedule:
    """Settings of the learning rate over the epochs.

    Attributes:
        name: ``constant``; ``plateau``: times `factor` after `patience` epochs without a better `monitor`;
            ``cosine``: down to almost 0; ``one_cycle``: up and down.
        factor: Of a plateau, between 0 and 1.
        patience: Of a plateau, in epochs.
    """

    name: Literal["constant", "plateau", "cosine", "one_cycle"] = "one_cycle"
    factor: float = 0.5
    patience: int = 4

    def __post_init__(self) -> None:
        _refuse([
            *_below(self, {"patience": 0}),
            *([] if 0 < self.factor < 1 else [f"`factor` must lie between 0 and 1, got {self.factor}"]),
        ])  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings:
    """Settings that all segmentation networks of a study share; the defaults are those of ``conf/base``.

    Attributes:
        categories: Class names in the order of the network's outputs; None for those of the annotations.
        resize: Height and width that the network sees every image at; None for its own.
        cell_diameter_px: Each image is rescaled so that its median cell has this diameter, and new images alike; None
            for its own size.
        start_from: A model file of the same network, or in a study a starter model's name: its weights are where the
            training starts; None for none. In a study ``auto``: the encoder weights that the network asks for where
            they can be had, else the starter where the images suit it, with its network and settings.
        fine_tuning: What stays as the start has it.
        colour: ``rgb``: three channels, grey repeated; ``grey``: one; ``channels``: as many as the images have.
        normalisation: How intensities come to [0, 1]. ``percentile``: by the image's own 0.1 to 99.9 percent, the same
            for 8, 12 or 16 bits and floats; ``full_range``: by the largest number of the image's type, so 8 bit by 255.
        representation: How the network represents cells.
        loss: Name and options of the loss.
        weight_map: Weight of each pixel in the loss: ``none``, ``crowding`` (study neurons), ``border`` (U-Net).
        tiles: How tiles are drawn.
        oversampling: Which are drawn more often: by an image's name, a class or an attribute they show, by the number
            of their cells, by the last epoch's error.
        augmentation: How they are varied; image, labels and weights move alike.
        epochs: Most epochs; of no effect where there are `minutes`.
        minutes: Of training and validation together by the clock, in place of `epochs`; None for epochs. How many
            epochs that makes depends on the machine.
        validation_share: Largest share of the minutes for validation, which comes after as many epochs as that
            needs, on fewer images where all would still take too long.
        early_stopping: Epochs without a better `monitor` after which the training ends; 0 for never.
        monitor: What the best epoch, early stopping and plateaus look at.
        batch: Tiles per step, of all devices together.
        accumulate: Steps whose gradients are added up for one update.
        optimizer: Name.
        learning_rate: At the start, or its peak; ``find`` looks for it.
        momentum: Of ``sgd``, below 1.
        weight_decay: Of the optimizer.
        schedule: How the learning rate changes.
        gradient_clip: Largest norm of the gradient; 0 for any.
        seed: Of everything random.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: How many of them, or ``auto`` for all GPUs, or one CPU.
        precision: ``auto`` is mixed on a GPU; on a CPU bfloat16 where a step is measured to be faster so, else float32.
        channels_last: Memory layout that convolutions on a CPU like best; it changes no result.
        workers: Processes that prepare tiles, for each device; 0 prepares them in between.
        samples_every: Epochs between sample predictions in MLflow; 0 for none.
        samples: How many sample predictions.
    """

    categories: tuple[str, ...] | None = None
    resize: tuple[int, int] | None = None
    cell_diameter_px: float | None = None
    start_from: str | None = None
    fine_tuning: FineTuning = _EVERYTHING_LEARNS
    colour: Colour = "rgb"
    normalisation: Normalisation = "percentile"
    representation: Choice = Choice("binary")
    loss: Choice = Choice("combo")
    weight_map: Choice = Choice("none")
    tiles: Tiles = Tiles()
    oversampling: Oversampling = field(default_factory=Oversampling)
    augmentation: Augmentation = _AUGMENTATION
    epochs: int = 10
    minutes: float | None = None
    validation_share: float = 0.1
    early_stopping: int = 0
    monitor: Monitor = "val_dice"
    batch: int = 8
    accumulate: int = 1
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float | Literal["find"] = 0.003
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = Schedule()
    gradient_clip: float = 0.0
    seed: int = 0
    device: Device = "auto"
    devices: int | Literal["auto"] = 1
    precision: Precision = "auto"
    channels_last: bool = True
    workers: int = 0
    samples_every: int = 5
    samples: int = 3

    def __post_init__(self) -> None:
        wrong = _below(self, _LEAST)
        if self.learning_rate != "find" and not (0 < self.learning_rate < float("inf")):
            wrong.append(f"`learning_rate` must be positive or find, got {self.learning_rate}")
        if self.minutes is not None and not 0 < self.minutes < float("inf"):
            wrong.append(f"`minutes` must be positive, or null for epochs, got {self.minutes}")
        if not 0 < self.validation_share < 1:
            wrong.append(f"`validation_share` must lie between 0 and 1, got {self.validation_share}")
        if self.devices != "auto" and self.devices < 1:
            wrong.append(f"`devices` must be 1 or more or auto, got {self.devices}")
        if self.momentum >= 1:
            wrong.append(f"`momentum` must be below 1, got {self.momentum}")
        if self.resize is not None and min(self.resize) < _LEAST_SIDE:
            wrong.append(f"`resize` must be a height and a width of {_LEAST_SIDE} or more, got {self.resize}")
        if self.cell_diameter_px is not None and not 4 <= self.cell_diameter_px < float("inf"):
            wrong.append(f"`cell_diameter_px` must be 4 or more, got {self.cell_diameter_px}")
        if self.resize is not None and self.cell_diameter_px is not None:
            wrong.append("`resize` and `cell_diameter_px` both say how images are rescaled; leave one of them out")
        _refuse(wrong)


@dataclass(frozen=True)
class SegmentationTraining(SegmentationSettings):
    """Settings of the training of one network.

    Attributes:
        network: Architecture; its channels are set by the images, the categories and the representation.
        encoder_weights: None leaves the encoder untrained; ``imagenet`` and the like, or a file.
    """

    network: "NetworkSpec"
    encoder_weights: str | None = None

    @property
    def frozen(self) -> FineTuning:
        """Parts that stay as the start has them; none in a training from random weights."""
        return _EVERYTHING_LEARNS if self.start_from is self.encoder_weights is None else self.fine_tuning

    def to_record(self) -> dict[str, Any]:
        """Return plain values by the flat names that model files and interrupted trainings have always had.

        Of epochs and minutes, the one that the training has; what stays as the start has it, only where something does.
        """
        record: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del record["fine_tuning"]
        if self.frozen != _EVERYTHING_LEARNS:
            record |= asdict(self.frozen)
        for name in ("minutes", "validation_share") if self.minutes is None else ("epochs",):
            del record[name]
        for name in ("representation", "loss", "weight_map"):
            choice = record.pop(name)
            record |= {name: choice["name"], f"{name}_options": choice["options"]}
        tiles, schedule = record.pop("tiles"), record.pop("schedule")
        record |= {"tile": tiles.pop("size"), "tiles_per_epoch": tiles.pop("per_epoch")} | tiles
        record |= {"schedule": schedule.pop("name")} | schedule
        return record
