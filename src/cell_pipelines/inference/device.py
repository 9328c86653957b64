"""The device that a network runs on."""

from typing import TYPE_CHECKING, Literal

from cell_pipelines.models.ultralytics_home import use_all_cores

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]


def choose_device(device: str) -> "torch.device":
    """Return the device meant; on the CPU, let PyTorch use all its cores.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ValueError: ``cuda`` was asked for and there is none, or `device` is something else.
    """
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"`device` must be auto, cpu or cuda, got {device!r}.")
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if device == "cuda" and not on_gpu:
        raise ValueError("`device` is cuda, but no GPU is there; use auto or cpu.")
    if not on_gpu:
        use_all_cores()
    return torch.device("cuda" if on_gpu else "cpu")
