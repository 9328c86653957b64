"""The device that a network runs on."""

from typing import TYPE_CHECKING

from cell_pipelines.models.accelerators import DEVICES, choose_kind
from cell_pipelines.models.ultralytics_home import use_all_cores

if TYPE_CHECKING:
    import torch


def choose_device(device: str) -> "torch.device":
    """Return the device meant; on the CPU, let PyTorch use all its cores.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        ValueError: A GPU was asked for that isn't there, or `device` is something else.
    """
    import torch

    if device not in DEVICES:
        raise ValueError(f"`device` must be {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, got {device!r}.")
    kind = choose_kind(device)
    if kind == "cpu":
        use_all_cores()
    return torch.device(kind)
