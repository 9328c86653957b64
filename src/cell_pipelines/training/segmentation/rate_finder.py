"""A learning rate found by trying: raised step by step until the loss grows (Smith 2017)."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cell_pipelines.training.segmentation.fitting import Job

_STEPS = 100


@dataclass(frozen=True)
class RateCurve:
    """Losses over learning rates.

    Attributes:
        chosen: Where the loss falls most steeply.
        rates: Learning rates that were tried.
        losses: The smoothed loss after a step at each.
    """

    chosen: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]


def find_learning_rate(job: "Job") -> RateCurve:
    """Return the learning rate that Lightning's range test suggests, from 100 steps on one device.

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
        chosen = finder.suggestion() if finder is not None else None
    if chosen is None:
        raise ValueError("`learning_rate` find: no learning rate lets the loss fall; give one as a number.")
    return RateCurve(float(chosen), tuple(finder.results["lr"]), tuple(finder.results["loss"]))
