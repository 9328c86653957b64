"""Read how far a trial's training has come while it runs, from the files that it writes after each epoch."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cell_pipelines.pipelines.experiments.trials import Trial


def read_progress(folder: Path, trial: Trial, metric: str | None, epochs: int) -> Iterator[tuple[int, float]]:
    """Yield after each epoch the percent of the training that is done, and the best value of a metric so far.

    Args:
        folder: The trial's.
        trial: It.
        metric: Column of the history, of which losses are better when lower and come negative; None for ``val_dice`` of
            networks and ``val_ap50_95`` of detectors.
        epochs: Of a detector's training.
    """
    column = metric or ("val_ap50_95" if trial.is_detector else "val_dice")
    sign = -1 if column.endswith("loss") else 1
    best = -math.inf
    for row in _rows(folder / "06_models" / trial.model, trial, epochs):
        value = row.get(column)
        if value is None or not math.isfinite(value):
            continue
        best = max(best, sign * value)
        yield math.ceil(100 * row["share"]), best


def _rows(folder: Path, trial: Trial, epochs: int) -> list[dict[str, Any]]:
    if not trial.is_detector:
        path = folder / "progress.jsonl"
        lines = (
            path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
        )  # the last may be half written
        return [json.loads(line) for line in lines]
    from cell_pipelines.training.detection.train import read_history

    path = folder / "run" / "results.csv"
    rows = read_history(path).to_dict("records") if path.is_file() and path.stat().st_size else []
    return [{**{str(name): value for name, value in row.items()}, "share": row["epoch"] / epochs} for row in rows]
