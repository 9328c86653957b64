"""Record what a training took: time, memory and images, for comparisons of models."""

from typing import Any

import pandas as pd

from cell_pipelines.machine import peak_mb


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
    import torch

    seconds = history["seconds"].astype(float)
    restarts = seconds.diff() < 0
    total = float(seconds[restarts.shift(-1, fill_value=False)].sum() + seconds.iloc[-1])
    on_gpu = torch.cuda.is_available() and torch.cuda.max_memory_allocated() > 0
    return {
        "seconds": total,
        "memory_mb": torch.cuda.max_memory_allocated() / 1e6 if on_gpu else peak_mb(),
        "images": images,
        "epochs": int(history["epoch"].max()),
        "device": torch.cuda.get_device_name() if on_gpu else "CPU",
    }
