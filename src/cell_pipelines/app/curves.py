"""Curve of a training, from the file in which it keeps its state."""

import re
from functools import lru_cache
from pathlib import Path

from cell_pipelines.app.training import STUDY


def read_curve(folder: Path) -> list[dict[str, float]]:
    """Return one row per epoch of the training of a job: epoch, train_loss, val_loss, val_dice …; none before any."""
    states = sorted((folder / "project" / "data" / STUDY / "06_models").glob("*/resume.pt"))
    return list(_read_curve(states[0], states[0].stat().st_mtime_ns)) if states else []


@lru_cache(maxsize=8)
def _read_curve(state: Path, _: int) -> tuple[dict[str, float], ...]:
    """Return the curve in a file, which holds a whole network and changes once an epoch."""
    import torch

    progress = torch.load(state, map_location="cpu", weights_only=True).get("progress") or {}
    rows = progress.get("history", [])
    return tuple({key: float(value) for key, value in row.items() if re.fullmatch(r"[a-z_]+", key)} for row in rows)
