"""Keep a YOLO's training to its minutes, those before an interruption included.

Ultralytics' own ``time`` begins anew when a training is resumed, plans its epochs as if none had been done, and leaves
out the last validation; so learning rate, mosaics and end follow `TimeBudget` here, as for other networks.
"""

import json
import math
from pathlib import Path
from typing import Any

from cell_pipelines.files import atomic_path
from cell_pipelines.training.segmentation.settings import SegmentationSettings
from cell_pipelines.training.segmentation.time_budget import TimeBudget

# What Ultralytics is told at the start, when nobody knows how many epochs there will be.
_EPOCHS = 100
_NEVER = 1 << 30
# Largest part of the epochs without mosaics, however few epochs there are.
_WITHOUT_MOSAIC = 0.25


class TimeKeeper:
    """Time of one training, as callbacks of its trainer.

    Args:
        minutes: Of training and validation together.
        path: Keeps what is used beside the training's state.
        resume: Go on with what `path` says.
    """

    def __init__(self, minutes: float, path: Path, *, resume: bool) -> None:
        state = json.loads(path.read_text(encoding="utf-8")) if resume and path.is_file() else None
        self.budget = TimeBudget(60 * minutes, SegmentationSettings.validation_share, state)
        self._path, self._validates = path, False
        self._resumes, self._without_mosaic = resume, 0

    def attach(self, model: Any) -> None:
        """Let a model of Ultralytics call this object while it trains."""
        for name in ("pretrain_routine_start", "train_start", "train_batch_end", "train_epoch_end", "model_save"):
            model.add_callback(f"on_{name}", getattr(self, f"_on_{name}"))

    def _on_pretrain_routine_start(self, trainer: Any) -> None:
        # A resumed training refuses to go on at an epoch that was not planned.
        trainer.epochs = _NEVER if self._resumes else _EPOCHS

    def _on_train_start(self, trainer: Any) -> None:
        self._without_mosaic = trainer.args.close_mosaic

        def factor(_: float) -> float:
            done, last = self.budget.share, trainer.args.lrf
            return float(last + (1 - last) * ((1 + math.cos(math.pi * done)) / 2 if trainer.args.cos_lr else 1 - done))

        trainer.lf = factor
        trainer.scheduler.lr_lambdas = [factor for _ in trainer.scheduler.lr_lambdas]
        self._plan(trainer, trainer.start_epoch)
        self.budget.start()

    def _on_train_batch_end(self, trainer: Any) -> None:
        passed = self.budget.read()
        if self.budget.look == 0:  # nothing was validated yet: twice as many images in a batch, and no gradients
            self.budget.look = 2 / 3 * passed * len(trainer.test_loader)
        self.budget.end_step(passed)
        trainer.stop = trainer.stop or self.budget.is_over

    def _on_train_epoch_end(self, trainer: Any) -> None:
        due = self.budget.validating == 0 or self.budget.is_validation_due()
        self._validates = due or trainer.stop or trainer.stopper.possible_stop
        trainer.args.val = self._validates
        if not self._validates:  # else the results of an earlier epoch would stand for this one
            trainer.fitness, trainer.metrics = None, dict.fromkeys(trainer.metrics, math.nan)
        self.budget.start_validation()

    def _on_model_save(self, trainer: Any) -> None:
        if self._validates:
            self.budget.end_validation()
        else:
            self.budget.read()
        with atomic_path(self._path) as temporary:
            temporary.write_text(json.dumps(self.budget.state_dict()), encoding="utf-8")
        self._plan(trainer, trainer.epoch + 1)

    def _plan(self, trainer: Any, done: int) -> None:
        """Set the number of epochs that there will be by those that are done, and when the mosaics end."""
        if done:
            expected = math.ceil(done / max(self.budget.share, 1e-9))
            trainer.epochs = done if self.budget.is_over else max(expected, done + 2)
            trainer.args.close_mosaic = min(self._without_mosaic, math.ceil(_WITHOUT_MOSAIC * trainer.epochs))
