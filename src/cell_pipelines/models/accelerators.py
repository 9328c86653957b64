"""Choose what PyTorch computes on: the processor, a GPU of NVIDIA or AMD (``cuda``), or Apple's (``mps``)."""

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]
Kind = Literal["cpu", "cuda", "mps"]

#: Devices that may be asked for; ``auto`` is the best that is there.
DEVICES: tuple[str, ...] = get_args(Device)


def choose_kind(device: str) -> Kind:
    """Return what is computed on here.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``; ``auto`` takes CUDA before Apple's GPU before the processor.

    Raises:
        ValueError: A GPU was asked for that isn't there.
    """
    there = available_kinds()
    if device == "cuda" and "cuda" not in there:
        raise ValueError("`device` is cuda, but no GPU is there; use auto or cpu.")
    if device == "mps" and "mps" not in there:
        raise ValueError("`device` is mps, but no GPU of Apple is there that PyTorch can use; use auto or cpu.")
    chosen: Kind = "cuda" if device == "cuda" else "mps" if device == "mps" else "cpu" if device == "cpu" else there[0]
    return chosen


def available_kinds() -> list[Kind]:
    """Return what PyTorch can use here, the best first; the processor always can be."""
    import torch

    mps: list[Kind] = ["mps"] if torch.backends.mps.is_available() else []
    cuda: list[Kind] = ["cuda"] if torch.cuda.is_available() and torch.cuda.device_count() else []
    return [*cuda, *mps, "cpu"]


def supports_bfloat16(kind: Kind) -> bool:
    """Say whether bfloat16 is fast on a GPU here; PyTorch has it on Apple's from macOS 14 on."""
    import torch

    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return kind == "mps" and bool(torch.backends.mps.is_macos_or_newer(14, 0))


def processor_has_bfloat16() -> bool:
    """Say whether the processor has instructions for bfloat16; without them it is slower than float32."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported())


def gpu_name(kind: str) -> str:
    """Return the name of a GPU of a kind, as its maker calls it; empty where there is none."""
    import torch

    if kind not in available_kinds() or kind == "cpu":
        return ""
    return str(torch.cuda.get_device_name()) if kind == "cuda" else str(torch.backends.mps.get_name())


def as_sums(values: "torch.Tensor") -> "torch.Tensor":
    """Return numbers in the type that sums are kept in: of 64 bits, on Apple's GPU, which has none, of 32."""
    import torch

    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)


def synchronise(kind: str) -> None:
    """Wait until a GPU has done what it was given, so that it can be timed."""
    import torch

    if kind == "cuda":
        torch.cuda.synchronize()
    elif kind == "mps":
        torch.mps.synchronize()


def most_allocated_mb() -> tuple[Kind, float]:
    """Return the GPU that this process has computed on, and the MB allocated there; the processor and 0 if none.

    Of CUDA it is the most at any moment. Apple's GPU, whose memory is that of the machine, tells only what its driver
    holds now, which it keeps until the process ends.
    """
    import torch

    if torch.cuda.is_available() and torch.cuda.max_memory_allocated() > 0:
        return "cuda", torch.cuda.max_memory_allocated() / 1e6
    if torch.backends.mps.is_available() and torch.mps.current_allocated_memory() > 0:
        return "mps", torch.mps.driver_allocated_memory() / 1e6
    return "cpu", 0.0
