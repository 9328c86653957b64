"""Estimate what trials take before any is trained: networks are built, their work counted, the machine timed.

Trials that are finished correct the estimate by what they really took.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.nested_parameters import merge, nest
from cell_pipelines.pipelines.experiments.results import tabulate_trials
from cell_pipelines.pipelines.experiments.trials import Trial
from cell_pipelines.training.segmentation.settings import Tiles
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters

logger = logging.getLogger(__name__)

# Of a training step against the forward pass: gradients of features and of weights cost one pass each.
_STEP = 3.0
# Bytes a number that is trained: itself, its gradient and two moments, as 32-bit numbers.
_TRAINED_BYTES = 16
# What Python, PyTorch and the images in memory take besides, in MB.
_BASE_MB = 900.0
_COLUMNS = ("trial", "model", "estimated_seconds", "estimated_memory_mb", "parameters_m", "flops_g", "images",
            "epochs", "reason")  # fmt: skip


@dataclass(frozen=True)
class _Work:
    """Work of one trial's training; without epochs it takes its minutes, whatever is done in them."""

    network: Any
    shape: tuple[int, int, int, int]
    steps: float
    forward_only: float
    images: int
    epochs: int | None
    minutes: float | None = None


def estimate_trials(
    trials: Sequence[Trial], annotations: AnnotationSet, everything: Mapping[str, Any], folder: Path
) -> pd.DataFrame:
    """Return one row per trial: estimated time and memory, size of the network, and why it can't be built, if so.

    Args:
        trials: What would be trained.
        annotations: Images with splits.
        everything: All parameters of the study.
        folder: Holds the trials that are finished; what they took corrects the estimates of the others.
    """
    rows = [{"trial": m.name, "model": m.model, **m.varied, **_estimate(m, annotations, everything)} for m in trials]
    varied = list(dict.fromkeys(key for trial in trials for key in trial.varied))
    table = pd.DataFrame(rows, columns=[*_COLUMNS[:2], *varied, *_COLUMNS[2:]])
    done = tabulate_trials(folder, trials)
    for estimated, measured in (("seconds", "training_seconds"), ("memory_mb", "training_memory_mb")):
        ratio = (pd.to_numeric(done[measured]) / table[f"estimated_{estimated}"]).median()
        if pd.notna(ratio):
            logger.info("%s corrected by %.2g, from trials that are finished.", estimated, ratio)
            table[f"estimated_{estimated}"] *= ratio
    return table


def refuse_impossible(
    trials: Sequence[Trial], annotations: AnnotationSet, everything: Mapping[str, Any]
) -> dict[str, str]:
    """Return the trials whose network can't be built, with the reason."""
    found = {}
    for trial in trials:
        try:
            _plan(trial, annotations, everything)
        except (ValueError, TypeError, KeyError) as error:
            found[trial.name] = _sentence(error)
    return found


def _estimate(trial: Trial, annotations: AnnotationSet, everything: Mapping[str, Any]) -> dict[str, Any]:
    from cell_pipelines.models.complexity import measure_complexity

    try:
        work = _plan(trial, annotations, everything)
        cost = measure_complexity(work.network, work.shape)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        return {"reason": _sentence(error)}
    operations = cost.flops * (_STEP * work.steps + work.forward_only)
    return {
        "estimated_seconds": operations / operations_a_second() if work.minutes is None else 60 * work.minutes,
        "estimated_memory_mb": _BASE_MB + (cost.parameters * _TRAINED_BYTES + cost.activation_bytes) / 1e6,
        "parameters_m": cost.parameters / 1e6,
        "flops_g": cost.flops / work.shape[0] / 1e9,
        "images": work.images,
        "epochs": work.epochs,
    }


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _plan(trial: Trial, annotations: AnnotationSet, everything: Mapping[str, Any]) -> _Work:
    parameters = merge(everything, nest(trial.changes))
    kept = SubsetParameters(**parameters.get("training_subset", {})).take(annotations)
    train, val = select_split(kept, "train"), select_split(kept, "val")
    return (_plan_yolo if trial.is_detector else _plan_network)(parameters, trial.model, train, val)


def _plan_yolo(parameters: Mapping[str, Any], model: str, train: AnnotationSet, val: AnnotationSet) -> _Work:
    from cell_pipelines.models.untrained import create_untrained_yolo

    own = parameters[model]
    size, batch, epochs = own.get("image_size", 640), own.get("batch", 8), own.get("epochs", 100)
    network = create_untrained_yolo(own["weights"], len(train.categories))
    if own.get("minutes") is not None:
        return _Work(network, (batch, 3, size, size), 0, 0, train.n_images, None, own["minutes"])
    steps = epochs * train.n_images / batch
    return _Work(network, (batch, 3, size, size), steps, epochs * val.n_images / batch, train.n_images, epochs)


def _plan_network(parameters: Mapping[str, Any], model: str, train: AnnotationSet, val: AnnotationSet) -> _Work:
    from cell_pipelines.models.untrained import create_untrained_network
    from cell_pipelines.representations.registry import create_representation

    own = parameters[model]
    shared = merge(parameters["segmentation"], own.get("training", {}))
    channels = 1 if shared.get("colour") == "grey" else 3
    representation = create_representation(shared["representation"]["name"], **_options(shared["representation"]))
    classes = len(shared.get("categories") or train.categories)
    outputs, stride = classes * len(representation.channels), representation.stride
    network = create_untrained_network(own, out_channels=outputs, in_channels=channels, out_stride=stride)
    tiling, batch = shared["tiles"], _known(shared.get("batch", 8), 8)
    size, tiles = (_known(tiling.get(key), getattr(Tiles(), key)) for key in ("size", "per_epoch"))
    minutes = shared.get("minutes")
    shape = (batch, channels, size, size)
    if minutes is not None:
        return _Work(network, shape, 0, 0, train.n_images, None, minutes)
    epochs = shared.get("epochs", 1)
    tiles = tiles or _pixels(train) / size**2
    forward = epochs * _pixels(val) / size**2 / batch
    return _Work(network, shape, epochs * tiles / batch, forward, train.n_images, epochs)


def _known(value: Any, usual: int) -> Any:
    """Return a setting; the default of one that the study leaves to its images."""
    return usual if value == "auto" else value


def _options(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return a choice's options but its lengths, which do not change a network's shape."""
    return {key: value for key, value in (choice.get("options") or {}).items() if not key.endswith(("_um", "_um2"))}


def _pixels(annotations: AnnotationSet) -> float:
    return float(sum(h * w for h, w in zip(*(annotations.images[side].to_pylist() for side in ("height", "width")),
                                           strict=True)))  # fmt: skip


@cache
def operations_a_second() -> float:
    """Return how many operations of a network's training this machine does in a second, as measured just now."""
    from cell_pipelines.training.speed import measure_operations_a_second

    return measure_operations_a_second()
