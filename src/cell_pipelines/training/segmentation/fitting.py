"""One training on one device, or on one of several: loaders, module and callbacks put together for Lightning."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cell_pipelines.allocation import memory_kept
from cell_pipelines.losses.registry import LOSSES, create_loss
from cell_pipelines.representations.base import Representation
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.training.reports import EpochReport
from cell_pipelines.training.segmentation.devices import Devices, quiet_lightning, share_cores
from cell_pipelines.training.segmentation.sampling import TileSampler, tile_shares
from cell_pipelines.training.segmentation.settings import SegmentationTraining
from cell_pipelines.training.segmentation.stored_samples import SampleSource
from cell_pipelines.training.segmentation.tile_dataset import Cutting, TileDataset, ValidationDataset
from cell_pipelines.training.segmentation.time_budget import TimeBudget

if TYPE_CHECKING:
    from cell_pipelines.training.segmentation.callbacks import Progress
    from cell_pipelines.training.segmentation.network_module import SegmentationModule

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Job:
    """All that a training needs; it can be sent to another process.

    Attributes:
        training: Its settings, complete.
        train: Images to learn from.
        val: Images to choose the best epoch by.
        folder: Keeps ``best.pt`` and ``resume.pt``.
        description: What the model file says besides its weights.
        devices: What it runs on.
        learning_rate: To start with.
    """

    training: SegmentationTraining
    train: SampleSource
    val: SampleSource
    folder: Path
    description: Mapping[str, Any]
    devices: Devices
    learning_rate: float


@dataclass(frozen=True, eq=False)
class Loaders:
    """Loaders of a device's tiles and validation images."""

    train: Any
    val: Any
    sampler: TileSampler
    steps: int
    val_items: list[int]


def create_parts_of(training: SegmentationTraining) -> tuple[Representation, Any]:
    """Return representation and loss of a training.

    Raises:
        ValueError: They don't fit each other.
    """
    representation = create_representation(training.representation.name, **training.representation.options)
    loss = create_loss(training.loss.name, **training.loss.options)
    fits = LOSSES[training.loss.name].representations
    if training.representation.name not in fits:
        raise ValueError(
            f"the loss {training.loss.name} fits {', '.join(fits)}; "
            f"the representation is {training.representation.name}."
        )
    return representation, loss


def create_loaders(job: Job, representation: Representation, rank: int) -> Loaders:
    """Return what gives the tiles and images of one device."""
    import torch
    from torch.utils.data import DataLoader

    training, devices = job.training, job.devices
    samples = job.train.open()
    cut = training.tiles
    cutting = Cutting(cut.size, cut.overlap, cut.jitter, training.augmentation, training.seed)
    tiles: Any = TileDataset(samples, representation, cutting)
    shares = tile_shares(samples, tiles.tiles, cut.size, training.oversampling, training.categories or ())
    batches = -(-(cut.per_epoch or len(tiles)) // training.batch)
    sampler = TileSampler(
        shares, batches * training.batch, training.seed,
        error=training.oversampling.error, rank=rank, devices=devices.count,
    )  # fmt: skip
    shared: dict[str, Any] = {
        "num_workers": training.workers,
        "persistent_workers": training.workers > 0,
        "pin_memory": devices.kind == "cuda",
        # Else each loader takes a number from the generator that dropout draws from.
        "generator": torch.Generator().manual_seed(training.seed),
    }
    validation: Any = ValidationDataset(job.val.open(), representation, devices.count)
    items = list(range(rank, len(validation), devices.count))
    return Loaders(
        DataLoader(tiles, batch_size=training.batch // devices.count, sampler=sampler, **shared),
        DataLoader(validation, batch_size=1, sampler=items, **shared),
        sampler,
        -(-batches // training.accumulate),
        items,
    )


def create_module(job: Job, representation: Representation, loss: Any, steps: int) -> "SegmentationModule":
    """Return the network, drawn by the training's seed, with all that trains it."""
    import torch

    from cell_pipelines.models.checkpoint import start_from
    from cell_pipelines.models.registry import create_network
    from cell_pipelines.training.segmentation.fine_tuning import freeze_encoder, freeze_statistics
    from cell_pipelines.training.segmentation.network_module import Parts, SegmentationModule

    training = job.training
    torch.manual_seed(training.seed)
    network = create_network(training.network, encoder_weights=training.encoder_weights)
    if training.start_from is not None:
        start_from(network, Path(training.start_from))
    if training.frozen.frozen_statistics:
        freeze_statistics(network)
    if training.frozen.frozen_encoder > 0:
        freeze_encoder(network, frozen=True)
    if training.channels_last:
        network = network.to(memory_format=torch.channels_last)
    return SegmentationModule(
        training, Parts(network, loss, representation, len(training.categories or ()), steps), job.learning_rate
    )


def create_trainer(job: Job, **changes: Any) -> Any:
    """Return Lightning's trainer without any of what it prints and keeps by itself."""
    import lightning
    from lightning.fabric.plugins.environments import LightningEnvironment

    training, devices = job.training, job.devices
    several = devices.count > 1
    return lightning.Trainer(**{
        "accelerator": devices.kind,
        "devices": devices.count,
        "strategy": "ddp" if several else "auto",
        "precision": devices.precision,
        "accumulate_grad_batches": training.accumulate,
        "gradient_clip_val": training.gradient_clip or None,
        "sync_batchnorm": several and devices.kind == "cuda",
        "use_distributed_sampler": False,
        # Else a job of a cluster's queue is taken for one of several that the queue has started.
        "plugins": [LightningEnvironment()],
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "default_root_dir": job.folder,
        **changes,
    })  # fmt: skip


def fit(job: Job, rank: int, emit: Callable[[EpochReport], None]) -> None:
    """Train on one device, going on from ``resume.pt`` where the folder has one; the first device writes and emits.

    Raises:
        DivergedError: The loss is no finite number any more.
    """
    import torch

    from cell_pipelines.models.tensor_file import load_tensors
    from cell_pipelines.training.segmentation.callbacks import EpochKeeper, Progress, ProgressShower
    from cell_pipelines.training.segmentation.time_keeper import TimeKeeper

    share_cores(job.devices)
    with memory_kept(), torch.random.fork_rng(), quiet_lightning():
        representation, loss = create_parts_of(job.training)
        loaders = create_loaders(job, representation, rank)
        module = create_module(job, representation, loss, loaders.steps)
        progress, state = Progress(), dict[str, Any]()
        if (job.folder / "resume.pt").is_file():
            state = load_tensors(job.folder / "resume.pt", "an interrupted training")
            progress = Progress(**state["progress"])
            module.network.load_state_dict(state["network"])
            module.resume_state, module.first_epoch = state, progress.epoch
            loaders.sampler.errors = np.array(state["errors"])
        loaders.sampler.epoch = progress.epoch
        budget = _create_budget(job.training, state)
        callbacks: list[Any] = [TimeKeeper(budget, loaders.val.dataset, loaders.val_items)] if budget else []
        callbacks.append(EpochKeeper(job.folder, job.description, loaders.sampler, progress, emit, budget=budget))
        left = _epochs_left(job.training, progress, budget)
        if rank == 0:
            steps = left * len(loaders.train)
            callbacks.append(ProgressShower(f"training {job.training.network.architecture}", steps, budget))
        trainer = create_trainer(job, max_epochs=left, callbacks=callbacks)
        trainer.fit(module, loaders.train, loaders.val)


def _create_budget(training: SegmentationTraining, state: Mapping[str, Any]) -> TimeBudget | None:
    """Return the time of a training by minutes, None of one by epochs."""
    if training.minutes is None:
        return None
    return TimeBudget(60 * training.minutes, training.validation_share, state.get("budget"))


def _epochs_left(training: SegmentationTraining, progress: "Progress", budget: TimeBudget | None) -> int:
    """Return the most epochs that are left, -1 where the time decides."""
    # It may have been killed after its last epoch and before it was marked as finished.
    if progress.is_stopped(training.early_stopping):
        return 0
    if budget is not None:
        return 0 if budget.is_over else -1
    return training.epochs - progress.epoch
