"""Choose by measuring whether a network is trained in float32 or in bfloat16 on a processor."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cell_pipelines.files import atomic_path
from cell_pipelines.training.speed import choose_format, measure_formats

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

#: Keeps in the folder of a training what was chosen, so that a resumed one goes on in the same format.
FORMAT_FILE = "precision.json"
# Measuring takes about six steps of few tiles; shorter trainings gain nothing by it.
_LEAST_STEPS, _LEAST_MINUTES = 100, 1.0
_TILES = 2


def measured_format(
    create: "Callable[[], torch.nn.Module]", shape: tuple[int, int, int], folder: Path, *,
    steps: float, minutes: float | None,
) -> str:  # fmt: skip
    """Return ``float32`` or ``bfloat16``, whichever a training step is faster in here.

    float32 is not measured against where the training is too short for it, or was begun without.

    Args:
        create: Gives the network; it is trained on random images, so not the one that is kept.
        shape: C, H and W of its images.
        folder: Of the training, with ``resume.pt`` once it can be resumed.
        steps: There will be, where there are no `minutes`.
        minutes: There are.
    """
    if (kept := kept_format(folder)) is None:
        long = steps >= _LEAST_STEPS if minutes is None else minutes >= _LEAST_MINUTES
        if not long or (folder / "resume.pt").is_file():
            return "float32"
        kept = _measure(create, shape)
        with atomic_path(folder / FORMAT_FILE) as temporary:
            temporary.write_text(json.dumps(kept), encoding="utf-8")
    return kept


def kept_format(folder: Path) -> str | None:
    """Return the format that was chosen for the training in a folder; None where none was measured."""
    kept = folder / FORMAT_FILE
    return str(json.loads(kept.read_text(encoding="utf-8"))) if kept.is_file() else None


def _measure(create: "Callable[[], torch.nn.Module]", shape: tuple[int, int, int]) -> str:
    import torch

    with torch.random.fork_rng(devices=[]):
        times = measure_formats(create(), (_TILES, *shape), seconds=1.0)
    chosen = choose_format(times)
    text = ", ".join(f"{measured.step_seconds:.2g} s in {name}" for name, measured in times.items())
    logger.info("trained in %s: a step of %d tiles takes %s here.", chosen, _TILES, text)
    return chosen
