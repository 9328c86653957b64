"""Schedule the learning rate; the schedule is kept with the network, so that a resumed training follows it."""

import math
from typing import Any

from cell_pipelines.training.segmentation.settings import SegmentationTraining

# Parts of the minutes of a training that has no fixed number of steps: the schedule's own steps.
_PARTS = 10_000


class RateSchedule:
    """The learning rate over steps and epochs.

    ``cosine`` falls after each epoch, ``one_cycle`` rises to the learning rate in the first 30 % of the steps and falls
    to almost 0 (Smith & Topin 2019), ``plateau`` falls when validation gets no better. In a training by minutes the
    first two follow, step by step, the share of them that is used.
    """

    def __init__(self, training: SegmentationTraining, optimizer: Any, steps: int) -> None:
        """Set the learning rate of an optimiser.

        Args:
            training: Its `schedule`, `epochs` or `minutes`, and `monitor`.
            optimizer: Has the learning rate to start from, or for ``one_cycle`` the highest.
            steps: Of an epoch.
        """
        from torch.optim import lr_scheduler

        schedule = training.schedule
        self._by_share = training.minutes is not None and schedule.name in ("cosine", "one_cycle")
        self._by_step = schedule.name == "one_cycle" or self._by_share
        self._by_monitor = schedule.name == "plateau"
        self._optimizer = optimizer
        rate = optimizer.param_groups[0]["lr"]
        if schedule.name == "constant":
            self._scheduler: Any = None
        elif schedule.name == "cosine" and self._by_share:
            self._scheduler = lr_scheduler.LambdaLR(optimizer, lambda part: (1 + math.cos(math.pi * part / _PARTS)) / 2)
        elif schedule.name == "cosine":
            self._scheduler = lr_scheduler.CosineAnnealingLR(optimizer, training.epochs)
        elif schedule.name == "one_cycle":
            total = _PARTS if self._by_share else training.epochs * steps
            self._scheduler = lr_scheduler.OneCycleLR(optimizer, rate, total_steps=total + 1)
        elif schedule.name == "plateau":
            mode: Any = "min" if training.monitor == "val_loss" else "max"
            self._scheduler = lr_scheduler.ReduceLROnPlateau(
                optimizer, mode, factor=schedule.factor, patience=max(schedule.patience - 1, 0), threshold=0
            )
        else:
            raise ValueError(f"`schedule` must be constant, cosine, one_cycle or plateau, got {schedule.name!r}.")

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def after_step(self, share: float | None = None) -> None:
        """Follow a change of the network.

        Args:
            share: Of the training that is done, where it has minutes; None where it has epochs.
        """
        if self._scheduler is None or not self._by_step:
            return
        if share is not None:
            # Its own steps are parts of the time; it computes the learning rate of any from the number alone.
            self._scheduler.last_epoch = round(share * _PARTS) - 1
        self._scheduler.step()

    def after_epoch(self, monitor: float) -> None:
        """Follow the end of an epoch; `monitor` may be nan."""
        if self._scheduler is None or self._by_step:
            return
        if self._by_monitor:
            worst = math.inf if self._scheduler.mode == "min" else -math.inf
            self._scheduler.step(worst if math.isnan(monitor) else monitor)
        else:
            self._scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs, in plain values."""
        if self._scheduler is None:
            return {}
        state = self._scheduler.state_dict()
        return {key: value for key, value in state.items() if isinstance(value, (int, float, str, list, bool))}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        if self._scheduler is not None:
            self._scheduler.load_state_dict(state)
