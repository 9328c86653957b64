"""A trained YOLO as one file: Ultralytics' own checkpoint, which its `yolo` command loads, with our record in it."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

RECORD_KEY = "cell_pipelines"


def read_record(path: Path) -> dict[str, Any]:
    """Return what this project wrote into a checkpoint; empty for one from elsewhere.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return dict(_load(path).get(RECORD_KEY, {}))


def read_training_arguments(path: Path) -> dict[str, Any]:
    """Return the settings that Ultralytics trained a checkpoint with, as it wrote them; empty where it wrote none.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return dict(_load(path).get("train_args") or {})


def read_categories(path: Path) -> tuple[str, ...]:
    """Return the class names of a checkpoint in the order of the network's outputs.

    Raises:
        ValueError: The file is no checkpoint.
    """
    names = read_network(path).names
    return tuple(str(names[number]) for number in range(len(names)))


def count_parameters(path: Path) -> int:
    """Return how many numbers training sets in the network of a checkpoint.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return sum(parameter.numel() for parameter in read_network(path).parameters())


def read_network(path: Path) -> Any:
    """Return the network of a checkpoint, as Ultralytics pickled it.

    Raises:
        ValueError: The file is no checkpoint.
    """
    content = _load(path)
    return content.get("ema") or content["model"]


def with_record(path: Path, record: Mapping[str, Any]) -> bytes:
    """Return the bytes of the checkpoint at `path` with `record` added to what stands there."""
    content = _load(path)
    content[RECORD_KEY] = {**content.get(RECORD_KEY, {}), **record}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _load(path: Path) -> dict[str, Any]:
    try:
        # The network itself is pickled in it, as Ultralytics does; only open files whose origin you trust.
        content = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise ValueError(f"{path}: expected a YOLO checkpoint, got: {error}.") from error
    if not isinstance(content, dict) or not (content.get("model") or content.get("ema")):
        raise ValueError(f"{path}: expected a YOLO checkpoint; it holds no network.")
    return content
