"""Record what a training took: time, memory and images, for comparisons of models."""

from typing import Any

import pandas as pd

from cell_pipelines.machine import peak_mb
from cell_pipelines.models.accelerators import gpu_name, most_allocated_mb


def training_cost(history: pd.DataFrame, images: int) -> dict[str, Any]:
    """Return what a training that has just ended in this process took.

    Args:
        history: One row per epoch with ``seconds`` since the start; where a resumed training counts from 0 again, its
            parts are added up.
        images: Training images.

    Returns:
        ``seconds``; ``memory_mb``: the most memory that this process ever held, on a GPU the most that was allocated
        there; ``images``, ``epochs`` and ``device``.
    """
    seconds = history["seconds"].astype(float)
    restarts = seconds.diff() < 0
    total = float(seconds[restarts.shift(-1, fill_value=False)].sum() + seconds.iloc[-1])
    kind, allocated = most_allocated_mb()
    return {
        "seconds": total,
        "memory_mb": peak_mb() if kind == "cpu" else allocated,
        "images": images,
        "epochs": int(history["epoch"].max()),
        "device": "CPU" if kind == "cpu" else gpu_name(kind),
    }
