"""A model file of an untrained network, so that what it costs can be measured as that of a trained one."""

import io
from pathlib import Path
from typing import Any

import torch

from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.untrained import create_untrained_yolo
from cell_pipelines.models.yolo_checkpoint import RECORD_KEY


def write_untrained_yolo(path: Path, weights: str, *, image_size: int, categories: tuple[str, ...]) -> None:
    """Write the YOLO that a name of weights belongs to, untrained, as Ultralytics writes a trained one.

    Args:
        path: File to be written.
        weights: As in `resolve_weights`, such as ``yolo11n.pt``; nothing is downloaded.
        image_size: Side of its input in pixels.
        categories: Class names.

    Raises:
        WeightsError: There is no such network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Any = create_untrained_yolo(weights, len(categories))
    network.names = dict(enumerate(categories))
    content = {
        "model": network.half(),
        "train_args": {"imgsz": image_size},
        RECORD_KEY: {"categories": list(categories), "image_size": image_size, "weights": weights},
    }
    _save(path, content)


def write_untrained_network(path: Path, spec: NetworkSpec, *, tile: int, categories: tuple[str, ...]) -> None:
    """Write a segmentation network, untrained, as a training writes it.

    Args:
        path: File to be written.
        spec: What it is; one channel of logits a category.
        tile: Side of its tiles in pixels.
        categories: Class names.

    Raises:
        ValueError: The network can't be built, or has other outputs than categories.
    """
    if spec.out_channels != len(categories):
        raise ValueError(f"`categories` must be as many as the outputs ({spec.out_channels}), got {len(categories)}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = create_network(spec)
    description = {
        "representation": {"name": "binary", "options": {}},
        "categories": list(categories),
        "training": {"tile": tile},
    }
    path.write_bytes(write_checkpoint(network, description))


def _save(path: Path, content: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    path.write_bytes(buffer.getvalue())
