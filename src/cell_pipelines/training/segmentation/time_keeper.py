"""Let a Lightning training follow its time budget: when it validates, on which images, and when it ends."""

import logging
from typing import Any

import lightning
import torch
from torch.utils.data import default_collate

from cell_pipelines.training.segmentation.network_module import SegmentationModule
from cell_pipelines.training.segmentation.tile_dataset import ValidationDataset
from cell_pipelines.training.segmentation.time_budget import TimeBudget

logger = logging.getLogger(__name__)

# Epochs between two validations where none is due.
_NEVER = 1 << 40


class TimeKeeper(lightning.Callback):  # type: ignore[misc]
    """Reads the clock of a training; of several devices the first one's counts.

    Args:
        budget: Time of the training.
        dataset: Validation images.
        items: Numbers of the dataset's items that this device looks at; changed in place once images are chosen.
    """

    def __init__(self, budget: TimeBudget, dataset: ValidationDataset, items: list[int]) -> None:
        self.budget, self.dataset, self.items = budget, dataset, items

    def on_train_start(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Let the time run, and choose the validation images unless an interrupted training has."""
        budget = self.budget
        budget.start()
        samples = self.dataset.samples
        if budget.images is None:
            pixel = self._seconds_per_pixel(trainer, pl_module) / trainer.world_size
            seconds = [pixel * sample.image.shape[0] * sample.image.shape[1] for sample in samples]
            seed = pl_module.training_settings.seed
            budget.choose_images(seconds, [bool(sample.labels.any()) for sample in samples], seed)
            self._agree(trainer)
        chosen = budget.images or []
        self.items[:] = self.dataset.items_of(chosen)[trainer.global_rank :: trainer.world_size]
        if trainer.is_global_zero:
            which = "" if len(chosen) == len(samples) else ", chosen by the seed"
            logger.info(
                "%.3g minutes; validation on %d of %d images%s, at most %.0f %% of the time.",
                budget.seconds / 60, len(chosen), len(samples), which, 100 * budget.validation_share,
            )  # fmt: skip

    def on_train_batch_end(
        self, trainer: Any, pl_module: SegmentationModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End the training after this step if another would take too long, and validate where that is due."""
        self.budget.end_step(self.budget.read())
        self._agree(trainer)
        if self.budget.is_over:
            trainer.should_stop = True
        is_end = self.budget.is_over or batch_idx + 1 >= trainer.num_training_batches
        trainer.check_val_every_n_epoch = 1 if is_end and self.budget.is_validation_due() else _NEVER

    def on_validation_start(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Begin to count the time of a validation."""
        self.budget.start_validation()

    def on_validation_end(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Count the time of a validation."""
        self.budget.end_validation()
        self._agree(trainer)

    def _agree(self, trainer: Any) -> None:
        if trainer.world_size > 1:
            self.budget.load_state_dict(trainer.strategy.broadcast(self.budget.state_dict()))

    def _seconds_per_pixel(self, trainer: Any, module: SegmentationModule) -> float:
        """Return what a validation of the first item takes; the time before, which warms up, does not count."""
        module.eval()
        for _ in range(2):
            self.budget.read()
            with torch.no_grad(), trainer.precision_plugin.val_step_context():
                item = default_collate([self.dataset[0]])
                module.validation_step(trainer.strategy.batch_to_device(item), 0)
                float(module.validation[-1].sum())  # waits for the device
            seconds = self.budget.read()
        module.train()
        module.start_epoch()
        return seconds / int(item["image"][0, 0].numel())
