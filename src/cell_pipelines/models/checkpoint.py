"""Write a trained segmentation network to a checkpoint, and build the network of one again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cell_pipelines.models.checkpoint_file import load_content, save_content, to_plain
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import ENSEMBLE, NetworkSpec
from cell_pipelines.models.ultralytics_home import WeightsError


def in_half_precision(path: Path) -> bytes:
    """Return the bytes of the checkpoint at `path` with its weights in 16 bits, half as large.

    A tensor of which 16 bits would lose more than rounding (a value too large, or all too small) keeps its 32. Reading
    makes 32 bits of all.

    Raises:
        ValueError: The file is no checkpoint, is damaged, or comes from a newer version.
    """
    content = load_content(path)
    return save_content(content["description"], {name: _halved(value) for name, value in content["weights"].items()})


def _halved(value: torch.Tensor) -> torch.Tensor:
    if not value.is_floating_point():
        return value
    half = value.to(torch.float16)
    largest = float(value.abs().max()) if value.numel() else 0.0
    keeps = torch.allclose(half.to(value.dtype), value, rtol=1e-3, atol=1e-3 * largest)
    return half if keeps else value


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
    return save_content(content, {name: _to_stored(value) for name, value in network.state_dict().items()})


def read_checkpoint(path: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Return the network of a checkpoint, ready to predict on the CPU, and its description.

    Raises:
        ValueError: The file is no checkpoint, is damaged, comes from a newer version, or its weights don't fit.
    """
    content = load_content(path)
    description: dict[str, Any] = content["description"]
    try:
        with torch.random.fork_rng(devices=[]):
            network = create_network(NetworkSpec.from_dict(description.get("network")))
        network.load_state_dict(content["weights"])
    except (ValueError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: the weights don't fit the network that it describes: {reason[:400]}") from error
    return network.eval(), description


def start_from(network: torch.nn.Module, path: Path) -> None:
    """Give a network of `create_network` the weights of a model file, in place, as a training's start.

    Raises:
        WeightsError: The file's network has another architecture, encoder, other options or channels.
        ValueError: The file is no checkpoint, or is damaged.
    """
    spec = NetworkSpec.from_dict(network.spec.to_dict())  # type: ignore[operator, union-attr]
    known, _ = read_checkpoint(path)
    if known.spec.architecture == ENSEMBLE:  # type: ignore[union-attr]
        raise WeightsError(
            f"{path}: an ensemble of several networks can't be the start of one; name one of its members."
        )
    wanted, there = spec.to_dict(), known.spec.to_dict()  # type: ignore[operator, union-attr]
    different = [
        f"{name} {there[name]!r} instead of {wanted[name]!r}" for name in wanted if there[name] != wanted[name]
    ]
    if different:
        raise WeightsError(f"{path}: its weights don't fit as a start, it has {', '.join(different)}.")
    network.load_state_dict(known.state_dict())


def _to_stored(value: torch.Tensor) -> torch.Tensor:
    value = value.detach().to("cpu", torch.float32 if value.is_floating_point() else value.dtype)
    # A view would take all that it is a view of along into the file.
    return value.clone(memory_format=torch.contiguous_format)
