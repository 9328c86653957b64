"""One engine at work in this process: time and memory of one image, and of more at once as long as that is faster."""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines import machine
from cell_pipelines.inference.benchmark.cpu_contention import mark_work, share_of_others
from cell_pipelines.inference.benchmark.memory_gauge import MemoryGauge
from cell_pipelines.inference.benchmark.timing import Timing, time_calls
from cell_pipelines.inference.engines.outputs import compare_outputs
from cell_pipelines.inference.engines.registry import ENGINES, create_engine
from cell_pipelines.typing import Float32Array

Size = tuple[int, int]

# A larger batch must be faster by this share to be worth its memory.
_RISE = 1.02
# Of the free memory, what a batch may take.
_MEMORY_SHARE = 0.5
# Calls that are timed at least: of one image, and of larger batches.
_LEAST = (10, 5)


@dataclass(frozen=True)
class Measurement:
    """Settings of any measurement of a model.

    Attributes:
        size: Height and width of the images; None for those that the model was trained with.
        threads: Processors; None for all that this process may use.
        seconds: Time that each number of images at once is measured for, beside a few seconds for starting.

    Raises:
        ValueError: A number is out of range.
    """

    size: Size | None = None
    threads: int | None = None
    seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f"`size` must be a height and a width of 1 or more, got {self.size}.")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"`threads` must be 1 or more, got {self.threads}.")
        if not self.seconds > 0:
            raise ValueError(f"`seconds` must be positive, got {self.seconds}.")

    @property
    def processors(self) -> int:
        """Processors that are used."""
        return self.threads or machine.usable_cores()


@dataclass(frozen=True)
class Settings(Measurement):
    """Settings of the measurement of engines.

    Attributes:
        batches: Numbers of images at once, rising; larger ones are left out once they are no faster.
        memory_mb: Memory that a batch may take; None for half of what is free.

    Raises:
        ValueError: A number is out of range, or the batches don't rise.
    """

    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    memory_mb: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.batches or self.batches[0] < 1 or sorted(set(self.batches)) != list(self.batches):
            raise ValueError(f"`batches` must be rising numbers of 1 or more, got {self.batches}.")
        if self.memory_mb is not None and not self.memory_mb > 0:
            raise ValueError(f"`memory_mb` must be positive, got {self.memory_mb}.")


@dataclass(frozen=True)
class Measured:
    """Time and memory of one engine with one number of images at once.

    Attributes:
        engine: Name in `ENGINES`.
        device: ``cpu``, ``cuda`` or ``mps``.
        precision: Of its arithmetic.
        threads: Processors that it might use.
        batch: Images at once; 0 where nothing was measured.
        latency_ms: Median time of a batch.
        latency_low_ms: 5 % of the calls were faster.
        latency_high_ms: 95 % of the calls were faster.
        calls: How many were timed.
        images_per_second: At the median.
        memory_mb: What the process took beside the libraries, at most; on a GPU PyTorch's largest allocation.
        others_share: CPU contention: the share of all processors that other programs took meanwhile, in [0, 1]; it
            makes times longer.
        difference: Largest difference to PyTorch's output, as `compare_outputs` gives it.
        note: Why nothing was measured, or why no larger batch was.
    """

    engine: str
    device: str
    precision: str
    threads: int
    batch: int = 0
    latency_ms: float = math.nan
    latency_low_ms: float = math.nan
    latency_high_ms: float = math.nan
    calls: int = 0
    images_per_second: float = math.nan
    memory_mb: float = math.nan
    others_share: float = math.nan
    difference: float = math.nan
    note: str = ""


def measure_batches(
    engine: str, checkpoint: Path, exported: Path | None, settings: Settings, reference: Path
) -> list[Measured]:
    """Measure an engine in this process, which should have done nothing before.

    Args:
        engine: Name in `ENGINES`.
        checkpoint: The model file.
        exported: The same model as ONNX, for engines that read it.
        settings: How.
        reference: File of `write_reference`.

    Returns:
        One row per batch size, the smallest first.

    Raises:
        EngineError: The engine can't be used here.
        RuntimeError: Not even the smallest batch can be run.
    """
    kind = ENGINES[engine]
    with np.load(reference) as arrays:
        image, expected = arrays["images"], tuple(arrays[f"output_{n}"] for n in range(len(arrays.files) - 1))
    _load_libraries(kind.package, checkpoint)
    gauge = MemoryGauge(engine)
    run = create_engine(
        engine, checkpoint, exported, size=settings.size, threads=settings.processors, most_images=settings.batches[-1]
    )
    empty = Measured(engine, kind.device, kind.precision, settings.processors)
    empty = replace(empty, difference=compare_outputs(expected, run(image)))
    limit = settings.memory_mb or _MEMORY_SHARE * gauge.available_mb()
    rows: list[Measured] = []
    for batch, following in zip(settings.batches, (*settings.batches[1:], 0), strict=True):
        start = mark_work()
        try:
            timing, memory = gauge.watch(lambda size=batch: _time(run, image, size, settings))  # type: ignore[misc]
        except (RuntimeError, MemoryError) as error:
            if not rows:
                raise
            return [*rows[:-1], replace(rows[-1], note=f"a batch of {batch} failed: {_first_line(error)}")]
        row = replace(empty, others_share=share_of_others(start, mark_work()))
        rows.append(_to_row(row, batch, timing, memory))
        reason = _reason_to_stop(rows, memory * following / batch, limit) if following else ""
        if reason:
            return [*rows[:-1], replace(rows[-1], note=reason)]
    return rows


def write_reference(checkpoint: Path, size: Size | None, path: Path) -> None:
    """Keep an image, and what PyTorch makes of it on the processor, for `measure_batches`."""
    from cell_pipelines.inference.engines.deployed import load_deployed
    from cell_pipelines.inference.engines.outputs import sample_images
    from cell_pipelines.inference.engines.pytorch import PyTorch

    deployed = load_deployed(checkpoint, size)
    images = sample_images(deployed.shape, 1)
    outputs: dict[str, Any] = {f"output_{place}": one for place, one in enumerate(PyTorch(deployed)(images))}
    np.savez(path, images=images, **outputs)


def _time(run: Callable[[Float32Array], object], image: Float32Array, batch: int, settings: Settings) -> Timing:
    images = np.repeat(image, batch, axis=0)
    return time_calls(lambda: run(images), seconds=settings.seconds, least=_LEAST[batch > 1])


def _to_row(row: Measured, batch: int, timing: Timing, memory_mb: float) -> Measured:
    return replace(
        row, batch=batch, latency_ms=timing.median_ms, latency_low_ms=timing.low_ms, latency_high_ms=timing.high_ms,
        calls=timing.calls, images_per_second=1e3 * batch / timing.median_ms, memory_mb=memory_mb,
    )  # fmt: skip


def _reason_to_stop(rows: list[Measured], next_mb: float, limit_mb: float) -> str:
    """Return why no larger batch is measured; empty where one is."""
    best = max((row.images_per_second for row in rows[:-1]), default=0.0)
    if rows[-1].images_per_second < _RISE * best:
        return "larger batches are no faster"
    if next_mb > limit_mb:
        return f"a larger batch might take {next_mb:.0f} MB, more than the {limit_mb:.0f} MB that it may"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__


def _load_libraries(package: str, checkpoint: Path) -> None:
    """Import what the engine needs, so that its memory is not taken for the model's."""
    importlib.import_module(package)
    if package != "torch":
        return
    from cell_pipelines.models.model_file import model_family

    if model_family(checkpoint) == "yolo":
        from cell_pipelines.models.ultralytics_home import prepare_ultralytics

        prepare_ultralytics()
        importlib.import_module("ultralytics.nn.tasks")
    else:
        importlib.import_module("segmentation_models_pytorch")
