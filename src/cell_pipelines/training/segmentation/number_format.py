"""Number format of a segmentation training on a processor."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cell_pipelines.training.number_format import measured_format
from cell_pipelines.training.segmentation.devices import Devices
from cell_pipelines.training.segmentation.settings import SegmentationTraining

if TYPE_CHECKING:
    import torch


def settle_format(training: SegmentationTraining, devices: Devices, folder: Path) -> Devices:
    """Return the devices with the number format in which a training step is faster here.

    Measured only on a processor, where `precision` is ``auto`` and the training long enough for it, as
    `measured_format` says.

    Args:
        training: Settings with the complete network.
        devices: As `choose_devices` gives them.
        folder: Of the training.
    """
    if devices.kind != "cpu" or training.precision != "auto":
        return devices
    side, tiles = training.tiles.size, training.tiles.per_epoch or training.batch
    shape, steps = (training.network.in_channels, side, side), training.epochs * tiles / training.batch
    chosen = measured_format(lambda: _create(training), shape, folder, steps=steps, minutes=training.minutes)
    return replace(devices, precision="bf16-mixed") if chosen == "bfloat16" else devices


def _create(training: SegmentationTraining) -> "torch.nn.Module":
    import torch

    from cell_pipelines.models.registry import create_network

    network = create_network(training.network)
    return network.to(memory_format=torch.channels_last) if training.channels_last else network
