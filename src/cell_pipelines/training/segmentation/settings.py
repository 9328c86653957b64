"""Hold the settings of a segmentation training in plain values that a model file can keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cell_pipelines.imaging.intensity import Colour, Normalisation
from cell_pipelines.models.accelerators import Device
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.sampling import Oversampling

if TYPE_CHECKING:
    from cell_pipelines.models.spec import NetworkSpec

Schedule = Literal["constant", "cosine", "one_cycle", "plateau"]
Monitor = Literal["val_loss", "val_dice", "val_iou"]
Precision = Literal["auto", "float32", "bfloat16", "mixed"]


@dataclass(frozen=True)
class SegmentationTraining:
    """Settings of a segmentation training.

    Attributes:
        network: Architecture; its channels are set by the images, the categories and the representation.
        categories: Class names in the order of the network's outputs; none takes those of the annotations.
        encoder_weights: None leaves the encoder untrained; ``imagenet`` and the like, or a file.
        representation: Name of how a network stands for cells.
        representation_options: Its options.
        loss: Name of the loss.
        loss_options: Its options.
        weight_map: Name of the map of weights, ``none`` for none.
        weight_map_options: Its options.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        learning_rate: Or ``find``, which tries a range of them first.
        weight_decay: Of the optimizer.
        momentum: Of ``sgd``.
        schedule: ``plateau`` follows `monitor`, ``cosine`` and ``one_cycle`` end at almost 0.
        factor: What ``plateau`` multiplies the learning rate by.
        patience: Epochs without a better `monitor` that ``plateau`` waits for.
        epochs: Most epochs.
        early_stopping: Epochs without a better `monitor` after which the training ends; 0 goes on.
        monitor: What the best epoch is chosen by.
        tile: Side of a training tile in pixels.
        overlap: Of neighbouring tiles in pixels.
        jitter: Whether the places of the tiles vary.
        batch: Tiles a step, of all devices together.
        tiles_per_epoch: Rounded up to whole batches; 0 for as many as cover the images once.
        accumulate: Steps whose gradients are added up before the network changes.
        augmentation: What happens to tiles.
        oversampling: Which tiles are shown more often.
        resize: Height and width that the network sees every image at; None for its own.
        cell_diameter_px: Each image is rescaled so that its median cell has this diameter; None for its own size.
        start_from: A model file of the same network, whose weights the training starts with; None for none.
        normalisation: How intensities come to [0, 1].
        colour: ``rgb``, ``grey`` or ``channels``.
        precision: ``auto`` is mixed on a GPU and float32 on a CPU.
        channels_last: Keep the channels of a pixel together in memory, which is faster and changes no result.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: How many of them, or ``auto`` for all GPUs, or one CPU.
        workers: Processes that prepare tiles, for each device; 0 prepares them in between.
        cache: ``memory`` keeps the prepared images there, ``disk`` in the folder of the training.
        seed: Of everything random.
        gradient_clip: Largest norm of the gradient; 0 for any.
        samples_every: Epochs between sample predictions; 0 for none.
        samples: How many sample predictions.
    """

    network: "NetworkSpec"
    categories: tuple[str, ...] = ()
    encoder_weights: str | None = None
    representation: str = "binary"
    representation_options: Mapping[str, Any] = field(default_factory=dict)
    loss: str = "dice"
    loss_options: Mapping[str, Any] = field(default_factory=dict)
    weight_map: str = "none"
    weight_map_options: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float | Literal["find"] = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    schedule: Schedule = "constant"
    factor: float = 0.5
    patience: int = 5
    epochs: int = 50
    early_stopping: int = 0
    monitor: Monitor = "val_loss"
    tile: int = 256
    overlap: int = 0
    jitter: bool = True
    batch: int = 8
    tiles_per_epoch: int = 0
    accumulate: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)
    oversampling: Oversampling = field(default_factory=Oversampling)
    resize: tuple[int, int] | None = None
    cell_diameter_px: float | None = None
    start_from: str | None = None
    normalisation: Normalisation = "percentile"
    colour: Colour = "rgb"
    precision: Precision = "auto"
    channels_last: bool = True
    device: Device = "auto"
    devices: int | Literal["auto"] = 1
    workers: int = 0
    cache: Literal["memory", "disk"] = "memory"
    seed: int = 0
    gradient_clip: float = 0.0
    samples_every: int = 0
    samples: int = 3

    def __post_init__(self) -> None:
        wrong = [f"`{name}` must be {least} or more, got {getattr(self, name)}" for name, least in _LEAST.items()
                 if getattr(self, name) < least]  # fmt: skip
        if self.learning_rate != "find" and not (0 < self.learning_rate < float("inf")):
            wrong.append(f"`learning_rate` must be positive or find, got {self.learning_rate}")
        if self.devices != "auto" and self.devices < 1:
            wrong.append(f"`devices` must be 1 or more or auto, got {self.devices}")
        if not self.overlap < self.tile:
            wrong.append(f"`overlap` must be smaller than `tile` ({self.tile}), got {self.overlap}")
        if not 0 < self.factor < 1:
            wrong.append(f"`factor` must lie between 0 and 1, got {self.factor}")
        if self.resize is not None and min(self.resize) < 1:
            wrong.append(f"`resize` must be a height and a width of 1 or more, got {self.resize}")
        if self.cell_diameter_px is not None and not 4 <= self.cell_diameter_px < float("inf"):
            wrong.append(f"`cell_diameter_px` must be 4 or more, got {self.cell_diameter_px}")
        if self.resize is not None and self.cell_diameter_px is not None:
            wrong.append("`resize` and `cell_diameter_px` both say how images are rescaled; leave one of them out")
        if wrong:
            raise ValueError("; ".join(wrong) + ".")


_LEAST = {
    "epochs": 1, "tile": 8, "batch": 1, "accumulate": 1, "overlap": 0, "tiles_per_epoch": 0, "workers": 0,
    "early_stopping": 0, "patience": 0, "weight_decay": 0, "momentum": 0, "gradient_clip": 0, "samples_every": 0,
    "samples": 0, "seed": 0,
}  # fmt: skip
