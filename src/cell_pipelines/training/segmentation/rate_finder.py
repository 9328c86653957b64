"""A learning rate found by trying: raised step by step until the loss grows (Smith 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cell_pipelines.training.segmentation.fitting import Job

_STEPS = 100
# Slopes are those of losses smoothed over so many steps: single steps are steep at random.
_SMOOTHED_STEPS = 5


@dataclass(frozen=True)
class RateCurve:
    """Losses over learning rates.

    Attributes:
        chosen: Where the loss falls most steeply, smoothed over some steps.
        rates: Learning rates that were tried.
        losses: The smoothed loss after a step at each.
    """

    chosen: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]


def find_learning_rate(job: "Job") -> RateCurve:
    """Return the learning rate at which the loss falls most steeply in a range test of 100 steps on one device.

    The network of the training is drawn anew afterwards, so nothing of the test stays in it.

    Raises:
        ValueError: The loss was not finite from the start, or never fell.
    """
    import tempfile
    from pathlib import Path

    import torch
    from lightning.pytorch.tuner import Tuner

    from cell_pipelines.training.segmentation.devices import quiet_lightning, share_cores
    from cell_pipelines.training.segmentation.fitting import (
        create_loaders,
        create_module,
        create_parts_of,
        create_trainer,
    )
    from cell_pipelines.training.segmentation.settings import Schedule

    training = replace(job.training, schedule=Schedule("constant"), accumulate=1)
    alone = replace(job, training=training, devices=replace(job.devices, count=1))
    share_cores(alone.devices)
    with torch.random.fork_rng(), quiet_lightning(), tempfile.TemporaryDirectory() as folder:
        alone = replace(alone, folder=Path(folder))
        representation, loss = create_parts_of(training)
        loaders = create_loaders(alone, representation, 0)
        module = create_module(alone, representation, loss, loaders.steps)
        trainer = create_trainer(alone, max_epochs=-1, limit_val_batches=0)
        finder = Tuner(trainer).lr_find(
            module, loaders.train, num_training=_STEPS, attr_name="learning_rate", update_attr=False
        )
    rates, losses = (tuple(finder.results[key]) if finder is not None else () for key in ("lr", "loss"))
    return RateCurve(steepest_rate(rates, losses), rates, losses)


def steepest_rate(rates: Sequence[float], losses: Sequence[float]) -> float:
    """Return the rate at which a loss falls most steeply.

    Lightning's own suggestion takes the steepest single step, which lay at rates a thousand times too small.

    Args:
        rates: Rising by one factor from step to step.
        losses: The loss after a step at each.

    Raises:
        ValueError: The loss was not finite from the start, or never fell.
    """
    from scipy.ndimage import gaussian_filter1d

    known = np.asarray(losses, dtype=float)
    known = known[: int(np.argmin(np.isfinite(known)))] if not np.isfinite(known).all() else known
    slopes = np.gradient(gaussian_filter1d(known, _SMOOTHED_STEPS, mode="nearest")) if known.size > 1 else np.zeros(1)
    if not slopes.min() < 0:
        raise ValueError("`learning_rate` find: no learning rate lets the loss fall; give one as a number.")
    return float(rates[int(np.argmin(slopes))])
