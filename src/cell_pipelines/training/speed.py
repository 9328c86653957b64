"""Measure within a second how fast this machine trains, for estimates of what a training will take."""

import time

from cell_pipelines.models.accelerators import available_kinds, synchronise


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
