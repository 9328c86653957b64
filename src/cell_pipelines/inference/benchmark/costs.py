"""Measure the costs of a model: its size, its arithmetic, and its time and memory for one image in PyTorch."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cell_pipelines.inference.benchmark.engine_runs import Measurement, Settings, Size, measure_batches, write_reference
from cell_pipelines.inference.benchmark.isolated_process import call_in_isolated_process


@dataclass(frozen=True)
class Costs:
    """Costs of a model on the processor or GPU at hand, for one image in PyTorch.

    Attributes:
        parameters_m: Numbers that training sets, in millions.
        flops_g: Floating point operations of one image, in thousand millions; a multiplication with its addition is 2.
        checkpoint_mb: Size of the model file.
        input: Channels, height and width of the image, as ``3 x 640 x 640``.
        latency_ms: Median time of the network; finding cells in its output is not in it.
        latency_low_ms: 5 % of the calls were faster.
        latency_high_ms: 95 % of the calls were faster.
        inference_memory_mb: What the process took beside the libraries; on a GPU what was allocated there at most.
        device: ``cpu``, ``cuda`` or ``mps``.
        threads: Processors that were used.
        others_share: CPU contention: the share of all processors that other programs took meanwhile, in [0, 1]; it
            makes times longer.
    """

    parameters_m: float
    flops_g: float
    checkpoint_mb: float
    input: str
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float
    inference_memory_mb: float
    device: str
    threads: int
    others_share: float


def measure_costs(checkpoint: Path, settings: Measurement | None = None, *, device: str = "auto") -> Costs:
    """Measure what a model file costs, in a process of its own, in a few seconds.

    Args:
        checkpoint: The model file.
        settings: How.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        ValueError: The file is no model, or the device isn't there.
        RuntimeError: The network can't be run.
    """
    from cell_pipelines.inference.device import choose_device

    how = settings or Measurement()
    chosen = Settings(how.size, how.threads, how.seconds, batches=(1,))
    kind = choose_device(device).type
    size = measure_size(checkpoint, chosen.size)
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "reference.npz"
        write_reference(checkpoint, chosen.size, reference)
        engine = "pytorch" if kind == "cpu" else f"pytorch_{kind}"
        (found,) = call_in_isolated_process(measure_batches, engine, checkpoint, None, chosen, reference)
    return Costs(
        **size, latency_ms=found.latency_ms, latency_low_ms=found.latency_low_ms,
        latency_high_ms=found.latency_high_ms, inference_memory_mb=found.memory_mb, device=kind, threads=found.threads,
        others_share=found.others_share,
    )  # fmt: skip


def measure_size(checkpoint: Path, size: Size | None = None) -> dict[str, Any]:
    """Return `parameters_m`, `flops_g`, `checkpoint_mb` and `input` of a model file, as in `Costs`.

    Parameters and operations are of the network as it is trained, as published tables have them; a YOLO that is fused
    for prediction has a few fewer.

    Raises:
        ValueError: The file is no model.
    """
    from cell_pipelines.inference.engines.deployed import load_deployed
    from cell_pipelines.models import checkpoint as segmentation
    from cell_pipelines.models.complexity import measure_complexity
    from cell_pipelines.models.model_file import model_family
    from cell_pipelines.models.yolo_checkpoint import load_network

    shape = load_deployed(checkpoint, size).shape
    is_yolo = model_family(checkpoint) == "yolo"
    network = load_network(checkpoint)[0] if is_yolo else segmentation.read_checkpoint(checkpoint)[0]
    complexity = measure_complexity(network, (1, *shape))
    return {
        "parameters_m": complexity.parameters / 1e6,
        "flops_g": complexity.flops / 1e9,
        "checkpoint_mb": checkpoint.stat().st_size / 1e6,
        "input": " x ".join(str(number) for number in shape),
    }
