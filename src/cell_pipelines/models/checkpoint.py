"""A trained segmentation network as one file: its weights, and in plain values all that is needed to use them.

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

from cell_pipelines.models.registry import NetworkSpec, create_network
from cell_pipelines.models.tensor_file import load_tensors

FORMAT = "cell_pipelines.segmentation"
VERSION = 1


def write_checkpoint(network: torch.nn.Module, description: Mapping[str, Any]) -> bytes:
    """Return the bytes of a checkpoint.

    Args:
        network: A network of `create_network`, on any device and in any precision; stored as float32.
        description: Plain values by name: None, truth values, numbers, text, and lists and mappings of them; tuples
            become lists. ``network`` holds the fields of its `NetworkSpec`; it may be left out for a network that
            `create_network` made.

    Raises:
        TypeError: A value is not plain.
        ValueError: The description doesn't say what network it is.
    """
    network = getattr(network, "_orig_mod", network)
    spec = getattr(network, "spec", None)
    given = {} if spec is None else {"network": spec.to_dict()}
    content = to_plain({**given, **description}, "description")
    NetworkSpec.from_dict(content.get("network"))
    return _save(content, {name: _to_stored(value) for name, value in network.state_dict().items()})


def read_checkpoint(path: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Return the network of a checkpoint, ready to predict on the CPU, and its description.

    Raises:
        ValueError: The file is no checkpoint, is damaged, comes from a newer version, or its weights don't fit.
    """
    content = _load_whole(path)
    description: dict[str, Any] = content["description"]
    try:
        with torch.random.fork_rng(devices=[]):
            network = create_network(NetworkSpec.from_dict(description.get("network")))
        network.load_state_dict(content["weights"])
    except (ValueError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: the weights don't fit the network that it describes: {reason[:400]}") from error
    return network.eval(), description


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
    content = _load_whole(path)
    return _save({**content["description"], **to_plain(changes, "changes")}, content["weights"])


def is_checkpoint(path: Path) -> bool:
    """Say by its content whether a file is a checkpoint of this project that can be read."""
    try:
        _load(path)
    except ValueError:
        return False
    return True


def _save(description: dict[str, Any], weights: Mapping[str, torch.Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, "description": description, "weights": dict(weights)}, buffer)
    return buffer.getvalue()


def _load_whole(path: Path) -> dict[str, Any]:
    """Load after comparing the checksums, which PyTorch doesn't."""
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


def _to_stored(value: torch.Tensor) -> torch.Tensor:
    value = value.detach().to("cpu", torch.float32 if value.is_floating_point() else value.dtype)
    # A view would take all that it is a view of along into the file.
    return value.clone(memory_format=torch.contiguous_format)


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
