"""The file of a trained segmentation network, without building the network: what it holds and what it says of itself.

The file is what :func:`torch.save` writes of plain values and tensors, and is only ever read with `weights_only`, so
that opening one from elsewhere can't run code. It holds ``format``, ``version``, ``description`` and ``weights``.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cell_pipelines.models.tensor_file import load_tensors

FORMAT = "cell_pipelines.segmentation"
VERSION = 1


def read_description(path: Path) -> dict[str, Any]:
    """Return what a checkpoint says of its network, without building it.

    Raises:
        ValueError: The file is no checkpoint, or comes from a newer version.
    """
    description: dict[str, Any] = _load(path)["description"]
    return description


def with_description(path: Path, changes: Mapping[str, Any]) -> bytes:
    """Return the bytes of the checkpoint at `path` with `changes` in its description; other entries stay.

    Raises:
        TypeError: A value is not plain.
        ValueError: The file is no checkpoint, is damaged, or comes from a newer version.
    """
    content = load_content(path)
    return save_content({**content["description"], **to_plain(changes, "changes")}, content["weights"])


def is_checkpoint(path: Path) -> bool:
    """Say by its content whether a file is a checkpoint of this project that can be read."""
    try:
        _load(path)
    except ValueError:
        return False
    return True


def save_content(description: dict[str, Any], weights: Mapping[str, torch.Tensor]) -> bytes:
    """Return the bytes of a checkpoint that holds this description and these weights."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, "description": description, "weights": dict(weights)}, buffer)
    return buffer.getvalue()


def load_content(path: Path) -> dict[str, Any]:
    """Return all that a checkpoint holds, after comparing its checksums, which PyTorch doesn't.

    Raises:
        ValueError: The file is no checkpoint, is damaged, or comes from a newer version.
    """
    content = _load(path)
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError) as error:
        raise ValueError(f"{path}: expected a whole checkpoint, got a damaged one: {error}.") from error
    if damaged is not None:
        raise ValueError(f"{path}: expected a whole checkpoint, got a damaged one: {damaged} isn't as written.")
    return content


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a checkpoint; there is no such file.")
    # Mapped into memory, a description is read without the weights.
    return _check(path, load_tensors(path, "a checkpoint of cell_pipelines", mmap=True))


def _check(path: Path, content: object) -> dict[str, Any]:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path}: expected a checkpoint of cell_pipelines; it is a PyTorch file of another kind.")
    version = content.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ValueError(
            f"{path}: written by a newer cell_pipelines (format {version}; this one reads up to {VERSION}); update it."
        )
    description, weights = content.get("description"), content.get("weights")
    if not isinstance(description, dict) or not isinstance(weights, dict):
        raise ValueError(f"{path}: expected a description and weights in the checkpoint; they are not there.")
    return content


def to_plain(value: Any, name: str) -> Any:
    """Return a value as a model file holds it: None, truth values, numbers, text, and lists and mappings of them.

    Raises:
        TypeError: It, or something in it, is none of these; `name` is what the error calls it.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic):
        return to_plain(value.item(), name)
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {_checked_key(key, name): to_plain(entry, f"{name}.{key}") for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(entry, f"{name}[{index}]") for index, entry in enumerate(value)]
    raise TypeError(f"`{name}` must be plain (None, a number, text, a list or a mapping), got {type(value).__name__}.")


def _checked_key(key: object, name: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"`{name}` must have names as text, got {key!r}.")
    return str(key)
