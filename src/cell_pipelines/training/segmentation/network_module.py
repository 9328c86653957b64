"""The network with its loss, optimiser and counts, as Lightning drives it; it alone imports Lightning at its start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from cell_pipelines.models.accelerators import as_sums
from cell_pipelines.representations.base import Representation
from cell_pipelines.training.segmentation.schedules import RateSchedule
from cell_pipelines.training.segmentation.settings import SegmentationTraining


class DivergedError(ArithmeticError):
    """A training whose loss is no finite number any more; the sentence says where it was, and what is left."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts that a network is trained with.

    Attributes:
        network: Takes (B, C, H, W) and gives (B, K * channels, H, W), at the representation's stride as targets are.
        loss: Takes logits and target (B, channels, H, W) and weights (B, H, W).
        representation: Of one category.
        categories: How many, K.
        steps: Changes of the network in an epoch.
    """

    network: nn.Module
    loss: nn.Module
    representation: Representation
    categories: int
    steps: int


def fold(outputs: Tensor, categories: int) -> Tensor:
    """Return (B * K, C, H, W) of outputs (B, K * C, H, W): every category of every image by itself."""
    return outputs.reshape(outputs.shape[0] * categories, -1, *outputs.shape[2:])


def activate(outputs: Tensor, representation: Representation) -> Tensor:
    """Return the scores of outputs (N, C, H, W): sigmoid, softmax over neighbours of that name, or as they are."""
    scores, names = outputs.clone(), representation.activations
    soft = [index for index, name in enumerate(names) if name == "softmax"]
    if soft:
        scores[:, soft] = outputs[:, soft].softmax(dim=1)
    for index, name in enumerate(names):
        if name == "sigmoid":
            scores[:, index] = outputs[:, index].sigmoid()
    return scores


def foreground(scores: Tensor, representation: Representation) -> Tensor:
    """Return how sure each pixel is of a cell, (N, H, W), of activated outputs or of a target (N, C, H, W).

    It is all but the channel called background where there is one, else the first channel.
    """
    if "background" in representation.channels:
        return 1 - scores[:, representation.channels.index("background")]
    return scores[:, 0]


def enlarge(maps: Tensor, stride: int, shape: Sequence[int]) -> Tensor:
    """Return maps (N, h, w) with each value repeated for the `stride` rows and columns from its own on, (N, H, W)."""
    whole = maps.repeat_interleave(stride, -2).repeat_interleave(stride, -1)
    return whole[..., : shape[0], : shape[1]]


class SegmentationModule(lightning.LightningModule):  # type: ignore[misc]
    """One network in training.

    Attributes:
        learning_rate: At the start.
        last_good: A sentence that names the best checkpoint so far; empty where there is none.
        first_epoch: Epochs that were finished before, when a training goes on.
        tile_errors: Numbers of the tiles of this epoch and the mean error of each.
        validation: True positive, false positive and false negative pixels, loss and number of each item.
        kept_samples: Images, true and predicted foreground of the validation.
    """

    def __init__(self, training: SegmentationTraining, parts: Parts, learning_rate: float) -> None:
        super().__init__()
        self.training_settings, self.parts, self.learning_rate = training, parts, learning_rate
        self.last_good = ""
        self.network, self.loss = parts.network, parts.loss
        self.first_epoch = 0
        self.resume_state: Mapping[str, Any] | None = None
        self.schedule: RateSchedule | None = None
        self.keep_samples = 0
        self.start_epoch()

    @property
    def epoch_number(self) -> int:
        """Epochs finished so far, those before a resumed training included."""
        return int(self.first_epoch + self.current_epoch)

    def start_epoch(self) -> None:
        """Forget what was counted in the epoch before."""
        self.losses: list[Tensor] = []
        self.tile_errors: list[tuple[Tensor, Tensor]] = []
        self.validation: list[Tensor] = []
        self.kept_samples: list[tuple[Any, Any, Any]] = []

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of images (B, C, H, W): (B, K * channels, H, W), or what the stride leaves of H and W."""
        if self.training_settings.channels_last:
            image = image.contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.network(image)
        return logits

    def training_step(self, batch: Mapping[str, Tensor], number: int) -> Tensor:
        """Return the loss of a batch of tiles.

        Raises:
            DivergedError: It is not a finite number.
        """
        logits, target, weights = self._compare(batch)
        loss = self._loss(logits, target, weights)
        if not torch.isfinite(loss):
            where = f"epoch {self.epoch_number + 1}, step {number + 1}"
            raise DivergedError(
                f"the loss became {float(loss.detach())} in {where}; a smaller `learning_rate` or a `gradient_clip` "
                f"may help. {self.last_good}"
            )
        self.losses.append(loss.detach())
        if self.training_settings.oversampling.error > 0:
            self.tile_errors.append((batch["tile"], self._errors(logits.detach(), target, weights)))
        return loss

    def _compare(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        logits = fold(self(batch["image"]), self.parts.categories)
        return logits.float(), batch["target"].flatten(0, 1), batch["weights"].flatten(0, 1)

    def _loss(self, logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        with torch.autocast(logits.device.type, enabled=False):
            loss: Tensor = self.loss(logits, target, weights)
        return loss

    def _errors(self, logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        """Return the mean error of the foreground of each tile, (B,)."""
        representation, counted = self.parts.representation, (weights > 0).float()
        wrong = foreground(activate(logits, representation), representation) - foreground(target, representation)
        mean = (wrong.abs() * counted).sum((1, 2)) / counted.sum((1, 2)).clamp(min=1)
        return mean.reshape(-1, self.parts.categories).mean(dim=1)

    def validation_step(self, batch: Mapping[str, Tensor], number: int) -> None:
        """Count what is right and wrong on a whole image at 0.5."""
        logits, target, weights = self._compare(batch)
        representation = self.parts.representation
        scores = foreground(activate(logits, representation), representation)
        truth, counted = foreground(target, representation) >= 0.5, weights > 0
        found = scores >= 0.5
        pixels = [(found & truth & counted).sum(), (found & ~truth & counted).sum(), (~found & truth & counted).sum()]
        counts = batch["counts"].sum()
        loss = self._loss(logits, target, weights) if counted.any() else logits.new_zeros(())
        self.validation.append(as_sums(torch.stack([*pixels, loss, torch.ones_like(loss)])) * counts)
        if len(self.kept_samples) < self.keep_samples:
            image = batch["image"][0].permute(1, 2, 0)
            maps = (enlarge(part.float(), representation.stride, image.shape[:2]) for part in (truth, scores))
            arrays = [part.float().cpu().numpy() for part in (image, *maps)]
            self.kept_samples.append((arrays[0], arrays[1], arrays[2]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser, with what it had learnt where a training goes on."""
        optimizer = create_optimizer(self.training_settings, self.network.parameters(), self.learning_rate)
        self.schedule = RateSchedule(self.training_settings, optimizer, self.parts.steps)
        if self.resume_state is not None:
            optimizer.load_state_dict(self.resume_state["optimizer"])
            self.schedule.load_state_dict(self.resume_state["schedule"])
        return optimizer

    def summed(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor over all devices."""
        return self.trainer.strategy.reduce(values, reduce_op="sum") if self.trainer.world_size > 1 else values

    def metrics(self) -> dict[str, float]:
        """Return train_loss, val_loss, val_iou and val_dice of the epoch, the same on every device.

        IoU and Dice are nan where there was nothing to find and nothing was found.
        """
        losses = torch.stack(self.losses)
        train = self.summed(as_sums(torch.stack([losses.sum(), losses.new_tensor(len(losses))])))
        tp, fp, fn, loss, items = self.summed(torch.stack(self.validation).sum(dim=0)).tolist()
        return {
            "train_loss": float(train[0] / train[1]),
            "val_loss": loss / items,
            "val_iou": tp / (tp + fp + fn) if tp + fp + fn else float("nan"),
            "val_dice": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else float("nan"),
        }


_OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


def create_optimizer(training: SegmentationTraining, parameters: Any, learning_rate: float) -> torch.optim.Optimizer:
    """Return the optimiser of a training.

    Raises:
        ValueError: There is none of that name.
    """
    if training.optimizer not in _OPTIMIZERS:
        raise ValueError(f"`optimizer` must be one of {', '.join(_OPTIMIZERS)}, got {training.optimizer!r}.")
    more = {"momentum": training.momentum} if training.optimizer == "sgd" else {}
    create = _OPTIMIZERS[training.optimizer]
    return create(parameters, lr=learning_rate, weight_decay=training.weight_decay, **more)
