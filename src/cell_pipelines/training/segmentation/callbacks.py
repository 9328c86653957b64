"""Act around each epoch: history, best checkpoint, a state to resume from, early stopping, progress."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch

from cell_pipelines.files import atomic_path
from cell_pipelines.models.accelerators import as_sums
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.progress import create_progress
from cell_pipelines.training.reports import EpochReport, SamplePrediction
from cell_pipelines.training.segmentation.fine_tuning import freeze_encoder
from cell_pipelines.training.segmentation.network_module import SegmentationModule
from cell_pipelines.training.segmentation.sampling import TileSampler
from cell_pipelines.training.segmentation.time_budget import TimeBudget


@dataclass
class Progress:
    """Progress of a training; all of it is kept with the network.

    Attributes:
        epoch: Epochs finished.
        history: One row for each that was validated.
        best: Value of the monitor of the best epoch, the higher the better; None before the first.
        stale: Epochs since then.
    """

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float | None = None
    stale: int = 0

    def is_stopped(self, early_stopping: int) -> bool:
        """Return whether that many epochs were no better than the best one; 0 never stops."""
        return 0 < early_stopping <= self.stale

    def add(self, row: dict[str, float], monitor: str) -> bool:
        """Add an epoch and say whether it is the best so far; without a value to compare by, the last one is."""
        value = row[monitor] * (-1 if monitor == "val_loss" else 1)
        value = -math.inf if math.isnan(value) else value
        better = self.best is None or value > self.best or value == self.best == -math.inf
        epochs = int(row["epoch"]) - (int(self.history[-1]["epoch"]) if self.history else 0)
        self.best, self.stale = (value, 0) if better else (self.best, self.stale + epochs)
        self.history.append(row)
        self.epoch = int(row["epoch"])
        return better


class EpochKeeper(lightning.Callback):  # type: ignore[misc]
    """Ends each epoch: counts, keeps what is to be kept, and tells about it."""

    def __init__(
        self, folder: Path, description: Mapping[str, Any], sampler: TileSampler, progress: Progress,
        emit: Callable[[EpochReport], None], *, budget: TimeBudget | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.description, self.sampler, self.progress, self.emit = (
            folder, description, sampler, progress, emit
        )  # fmt: skip
        self.budget = budget
        self._losses_before: list[torch.Tensor] = []
        self._seconds_before = progress.history[-1]["seconds"] if progress.history else 0.0

    def on_train_start(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Go on with the losses since the last validation, and with the scaler of mixed precision."""
        self._started = time.perf_counter()
        if pl_module.resume_state is not None:
            self._losses_before = list(pl_module.resume_state.get("losses", []))
        if pl_module.resume_state is not None and pl_module.resume_state["precision"]:
            trainer.precision_plugin.load_state_dict(pl_module.resume_state["precision"])

    def on_train_epoch_start(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Seed what the network draws, such as dropout, by epoch, and begin to count."""
        settings = pl_module.training_settings
        epoch = self.progress.epoch
        self.sampler.epoch = epoch
        torch.manual_seed(int(np.random.SeedSequence((settings.seed, epoch, trainer.global_rank)).generate_state(1)[0]))
        self._thaw(pl_module)
        pl_module.start_epoch()
        pl_module.losses = [loss.to(pl_module.device) for loss in self._losses_before]
        best = self.folder / "best.pt"
        pl_module.last_good = f"The last good checkpoint is {best}." if best.is_file() else ""
        self._rate = pl_module.schedule.rate if pl_module.schedule else pl_module.learning_rate
        self._batches, self._waited, self._steps_done = 0, 0.0, trainer.global_step
        self._epoch_started = self._idle_since = time.perf_counter()

    def _thaw(self, module: SegmentationModule) -> None:
        """Let the encoder learn, too, once its share of the training has passed."""
        settings = module.training_settings
        done = self.budget.share if self.budget else self.progress.epoch / settings.epochs
        if 0 < settings.frozen.frozen_encoder <= done:
            freeze_encoder(module.network, frozen=False)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Count the time since the step before, in which the next tiles were waited for."""
        self._waited += time.perf_counter() - self._idle_since

    def on_train_batch_end(
        self, trainer: Any, pl_module: SegmentationModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Follow the learning rate where the network changed."""
        if trainer.global_step > self._steps_done and pl_module.schedule is not None:
            pl_module.schedule.after_step(None if self.budget is None else self.budget.share)
        self._steps_done = trainer.global_step
        self._batches += 1
        self._idle_since = time.perf_counter()

    def on_validation_start(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Keep sample predictions of this validation where they are due."""
        settings, epoch, history = pl_module.training_settings, self.progress.epoch, self.progress.history
        before = int(history[-1]["epoch"]) - 1 if history else -1
        is_last = self.budget.is_over if self.budget else epoch + 1 == settings.epochs
        every = settings.samples_every
        due = every > 0 and (epoch // every > before // every or is_last)
        pl_module.keep_samples = settings.samples if due and trainer.is_global_zero else 0

    def on_train_epoch_end(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Keep the epoch: its row, its errors, the best network, and all that a resumed training needs."""
        self._gather_errors(trainer, pl_module)
        if pl_module.validation:
            self._losses_before = []
            self._keep_row(trainer, pl_module)
        else:
            self._losses_before = pl_module.losses
            self.progress.epoch += 1
            if trainer.is_global_zero:
                self._write_state(trainer, pl_module)

    def _keep_row(self, trainer: Any, pl_module: SegmentationModule) -> None:
        """Keep an epoch that was validated, with the losses of those since the last one."""
        settings, budget = pl_module.training_settings, self.budget
        trained = max(self._idle_since - self._epoch_started, 1e-9)
        row = {
            "epoch": self.progress.epoch + 1,
            "seconds": budget.used if budget else self._seconds_before + time.perf_counter() - self._started,
            **pl_module.metrics(),
            "learning_rate": self._rate,
            "waiting_share": self._waited / trained,
            "images_per_second": self._batches * settings.batch / trained,
        }
        if budget is not None:
            row |= {"validation_seconds": budget.look, "validation_images": len(budget.images or [])}
        if pl_module.schedule is not None:
            pl_module.schedule.after_epoch(row[settings.monitor])
        better = self.progress.add(row, settings.monitor)
        if trainer.is_global_zero:
            if better:
                self._write_best(pl_module, row)
            self._write_state(trainer, pl_module)
            samples = tuple(SamplePrediction(*parts) for parts in pl_module.kept_samples)
            epochs, share = (settings.epochs, None) if budget is None else (None, budget.share)
            self.emit(EpochReport(row, epochs, better, samples, share))
        if self.progress.is_stopped(settings.early_stopping):
            trainer.should_stop = True

    def _gather_errors(self, trainer: Any, module: SegmentationModule) -> None:
        if not module.tile_errors:
            return
        tiles, errors = (torch.cat(parts) for parts in zip(*module.tile_errors, strict=True))
        everybody = trainer.strategy.all_gather(torch.stack([as_sums(tiles), as_sums(errors)]))
        both = everybody.reshape(-1, 2, len(tiles)).transpose(0, 1).reshape(2, -1).cpu().numpy()
        index = both[0].astype(np.int64)
        sums = np.bincount(index, weights=both[1], minlength=len(self.sampler.errors))
        times = np.bincount(index, minlength=len(self.sampler.errors))
        # The old ones stay for tiles that this epoch didn't show.
        self.sampler.errors = np.where(times > 0, sums / np.maximum(times, 1), self.sampler.errors)

    def _write_best(self, module: SegmentationModule, row: Mapping[str, float]) -> None:
        metrics = {name: row[name] for name in ("train_loss", "val_loss", "val_iou", "val_dice")}
        description = {**self.description, "epoch": row["epoch"], "metrics": metrics}
        with atomic_path(self.folder / "best.pt") as temporary:
            temporary.write_bytes(write_checkpoint(module.network, description))

    def _write_state(self, trainer: Any, module: SegmentationModule) -> None:
        """Write all that a resumed training needs; loaded without running anything, it holds plain values only."""
        state = {
            "network": module.network.state_dict(),
            "optimizer": trainer.strategy.optimizer_state(trainer.optimizers[0]),
            "schedule": module.schedule.state_dict() if module.schedule else {},
            "precision": trainer.precision_plugin.state_dict(),
            "learning_rate": module.learning_rate,
            "errors": self.sampler.errors.tolist(),
            "losses": self._losses_before,
            "budget": None if self.budget is None else self.budget.state_dict(),
            "progress": {**vars(self.progress), "history": list(self.progress.history)},
        }
        with atomic_path(self.folder / "resume.pt") as temporary:
            torch.save(state, temporary)


class ProgressShower(lightning.Callback):  # type: ignore[misc]
    """Shows how far the training is, in steps, or in seconds where it has minutes."""

    def __init__(self, title: str, steps_left: int, budget: TimeBudget | None) -> None:
        self._bar = create_progress()
        self._title, self._budget = title, budget
        self._shown = 0.0 if budget is None else budget.used
        self._left = steps_left if budget is None else budget.seconds - budget.used

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Show the bar."""
        self._bar.start()
        self._task = self._bar.add_task(self._title, total=self._left)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Go on by a step, or by what it took."""
        if self._budget is None:
            self._bar.advance(self._task)
        else:
            self._bar.advance(self._task, self._budget.used - self._shown)
            self._shown = self._budget.used

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Take the bar away before an error is told."""
        self._bar.stop()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Leave the bar as it is."""
        self._bar.stop()
