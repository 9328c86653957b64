"""Memory that an engine takes while it works."""

import gc
from collections.abc import Callable

from cell_pipelines import machine
from cell_pipelines.inference.benchmark.timing import Timing
from cell_pipelines.inference.engines.registry import ENGINES
from cell_pipelines.models.accelerators import most_allocated_mb


class MemoryGauge:
    """Memory of this process, or of the GPU, since the gauge was made."""

    def __init__(self, engine: str) -> None:
        """Begin to measure for an engine."""
        self._engine = engine
        gc.collect()
        self._on_gpu = ENGINES[engine].device == "cuda"
        self._before = self._free_on_gpu_mb() if self._on_gpu else machine.resident_mb()

    def available_mb(self) -> float:
        """Return the memory that is free, in MB."""
        return self._free_on_gpu_mb() if self._on_gpu else machine.available_mb()

    def watch(self, work: Callable[[], Timing]) -> tuple[Timing, float]:
        """Return what `work` returns, and the most memory taken during it, in MB, what was there before included."""
        if ENGINES[self._engine].device == "mps":
            done = work()
            return done, most_allocated_mb()[1]  # its driver keeps what it once took
        if not self._on_gpu:
            machine.forget_peak()
            done = work()
            return done, max(machine.peak_mb() - self._before, 0.0)
        import torch

        torch.cuda.reset_peak_memory_stats()
        done = work()
        if self._engine == "pytorch_cuda":
            return done, torch.cuda.max_memory_allocated() / 1e6
        # Other engines take memory past PyTorch, and keep it.
        return done, max(self._before - self._free_on_gpu_mb(), 0.0)

    def _free_on_gpu_mb(self) -> float:
        import torch

        return float(torch.cuda.mem_get_info()[0]) / 1e6
