"""Measure within seconds how fast this machine trains, for estimates of what a training will take."""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cell_pipelines.models.accelerators import available_kinds, gpu_name, processor_has_bfloat16, synchronise

if TYPE_CHECKING:
    import torch

_LEAST_STEPS = 2
# So many times faster a format with fewer digits has to be.
_WORTH = 1.2


@dataclass(frozen=True)
class StepTimes:
    """Times of a training step on this machine.

    Attributes:
        step_seconds: Output and gradients for a whole batch.
        forward_seconds: Output for a whole batch.
        device: What it was measured on, in words.
    """

    step_seconds: float
    forward_seconds: float
    device: str


def measure_operations_a_second(*, seconds: float = 1.0) -> float:
    """Return the floating point operations of convolutions, forward and backward, that are done in a second.

    A small stack of what networks are made of (convolution, normalisation, activation) is trained on random images,
    so that not only the arithmetic is timed but also what goes along with it.

    Args:
        seconds: How long to measure, after a warm-up.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    device = torch.device(available_kinds()[0])
    with torch.random.fork_rng(devices=[]):
        layers = [torch.nn.Conv2d(3, 32, 3, stride=2, padding=1)]
        stack = [layer for _ in range(3) for layer in
                 (torch.nn.Conv2d(32, 32, 3, padding=1), torch.nn.BatchNorm2d(32), torch.nn.SiLU())]  # fmt: skip
        network = torch.nn.Sequential(*layers, *stack).to(device)
        images = torch.rand(4, 3, 192, 192, device=device)
    with FlopCounterMode(display=False) as counter:
        network(images).mean().backward()
    operations, done, start = counter.get_total_flops(), 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        network(images).mean().backward()
        done += operations
        synchronise(device.type)
    return done / passed


def measure_formats(
    network: "torch.nn.Module", shape: tuple[int, int, int, int], *, seconds: float = 3.0
) -> dict[str, StepTimes]:
    """Return what `measure_step` gives in float32, and in bfloat16 where a processor has instructions for it.

    GPUs choose their own format, so of them only the first is measured.
    """
    both = available_kinds()[0] == "cpu" and processor_has_bfloat16()
    names = ("float32", "bfloat16") if both else ("float32",)
    return {name: measure_step(network, shape, seconds=seconds / len(names), format=name) for name in names}


def choose_format(times: Mapping[str, StepTimes]) -> str:
    """Return the format that a network is trained in: bfloat16 only where its steps take a sixth less time."""
    seconds = {name: one.step_seconds for name, one in times.items()}
    return "bfloat16" if seconds.get("bfloat16", math.inf) * _WORTH <= seconds["float32"] else "float32"


def measure_step(
    network: "torch.nn.Module", shape: tuple[int, int, int, int], *, seconds: float = 3.0, format: str = "float32"
) -> StepTimes:
    """Return how long a network's training step and its output alone take here, on random images.

    The optimiser, the loss and the preparing of images are not in it.

    Args:
        network: Takes images (N, C, H, W) and gives a tensor, or several; its weights are left as they are.
        shape: N, C, H and W of a batch.
        seconds: How long to measure at most, after one step that warms up; at least two steps are measured.
        format: Of the network's arithmetic: ``float32`` or ``bfloat16``.
    """
    import torch

    kind = available_kinds()[0]
    network, images = network.to(kind).train(), torch.rand(shape, device=kind)

    def outputs() -> list[torch.Tensor]:
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=format == "bfloat16"):
            return _tensors(network(images))

    def step() -> None:
        loss = torch.stack([output.float().mean() for output in outputs()]).sum()
        torch.autograd.backward(loss)
        network.zero_grad(set_to_none=True)

    def look() -> None:
        with torch.no_grad():
            outputs()

    step()
    step_seconds, forward_seconds = (_time(work, kind, seconds / 2) for work in (step, look))
    return StepTimes(step_seconds, forward_seconds, gpu_name(kind) or "the processor")


def _time(work: Callable[[], None], kind: str, seconds: float) -> float:
    """Return the median duration of some work in seconds."""
    durations: list[float] = []
    while len(durations) < _LEAST_STEPS or sum(durations) < seconds:
        start = time.perf_counter()
        work()
        synchronise(kind)
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def _tensors(output: Any) -> "list[torch.Tensor]":
    """Return the floating point tensors of what a network gives, however they are put together."""
    import torch

    if isinstance(output, torch.Tensor):
        return [output] if output.is_floating_point() else []
    parts = output.values() if isinstance(output, dict) else output if isinstance(output, list | tuple) else ()
    return [tensor for part in parts for tensor in _tensors(part)]
