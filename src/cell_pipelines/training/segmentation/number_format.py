"""Choose by measuring whether a network is trained in float32 or in bfloat16 on a processor."""

import json
import logging
from dataclasses import replace
from pathlib import Path

from cell_pipelines.files import atomic_path
from cell_pipelines.training.segmentation.devices import Devices
from cell_pipelines.training.segmentation.settings import SegmentationTraining

logger = logging.getLogger(__name__)

# Measuring takes about six steps of few tiles; shorter trainings gain nothing by it.
_LEAST_STEPS, _LEAST_MINUTES = 100, 1.0
_TILES = 2
_WORDS = {"float32": "32-true", "bfloat16": "bf16-mixed"}


def settle_format(training: SegmentationTraining, devices: Devices, folder: Path) -> Devices:
    """Return the devices with the number format in which a training step is faster here.

    Measured only on a processor, where `precision` is ``auto`` and the training long enough for it. What was chosen is
    kept in ``precision.json`` in the folder, so that a resumed training goes on in the same format.

    Args:
        training: Settings with the complete network.
        devices: As `choose_devices` gives them.
        folder: Of the training.
    """
    if devices.kind != "cpu" or training.precision != "auto" or not _is_long(training):
        return devices
    kept = folder / "precision.json"
    if not kept.is_file() and (folder / "resume.pt").is_file():
        return devices  # begun by a version that did not measure
    if not kept.is_file():
        chosen = _measure(training)
        with atomic_path(kept) as temporary:
            temporary.write_text(json.dumps(chosen), encoding="utf-8")
    return replace(devices, precision=_WORDS[json.loads(kept.read_text(encoding="utf-8"))])


def _is_long(training: SegmentationTraining) -> bool:
    if training.minutes is not None:
        return training.minutes >= _LEAST_MINUTES
    tiles = training.tiles.per_epoch or training.batch
    return training.epochs * tiles / training.batch >= _LEAST_STEPS


def _measure(training: SegmentationTraining) -> str:
    import torch

    from cell_pipelines.models.registry import create_network
    from cell_pipelines.training.speed import choose_format, measure_formats

    side = training.tiles.size
    with torch.random.fork_rng(devices=[]):
        network = create_network(training.network)
        if training.channels_last:
            network = network.to(memory_format=torch.channels_last)
        times = measure_formats(network, (_TILES, training.network.in_channels, side, side), seconds=1.0)
    chosen = choose_format(times)
    told = ", ".join(f"{one.step_seconds:.2g} s in {name}" for name, one in times.items())
    logger.info("trained in %s: a step of %d tiles takes %s here.", chosen, _TILES, told)
    return chosen
