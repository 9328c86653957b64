"""Engines by name: which there are, which of them can be used here, and how one is started."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from cell_pipelines.models.accelerators import available_kinds, processor_has_bfloat16
from cell_pipelines.typing import Float32Array


class Engine(Protocol):
    """A network at work."""

    def __call__(self, images: Float32Array) -> tuple[Float32Array, ...]:
        """Return the outputs of images (B, C, H, W) float32 in [0, 1]."""
        ...


class EngineError(ValueError):
    """An engine that can't be used here; the sentence says why."""


@dataclass(frozen=True)
class EngineKind:
    """One way of running a network.

    Attributes:
        about: What it is.
        device: ``cpu``, ``cuda`` or ``mps``.
        package: What must be installed.
        precision: Of its arithmetic.
        is_exported: Whether it reads ONNX, and not the model file.
    """

    about: str
    device: str
    package: str
    precision: str = "float32"
    is_exported: bool = True


ENGINES: Mapping[str, EngineKind] = {
    "pytorch": EngineKind("PyTorch on the processor", "cpu", "torch", is_exported=False),
    "onnxruntime": EngineKind("ONNX Runtime on the processor", "cpu", "onnxruntime"),
    "openvino": EngineKind("OpenVINO on the processor", "cpu", "openvino"),
    "openvino_bfloat16": EngineKind("OpenVINO on the processor, fewer bits", "cpu", "openvino", "bfloat16"),
    "pytorch_cuda": EngineKind("PyTorch on the GPU", "cuda", "torch", is_exported=False),
    "pytorch_mps": EngineKind("PyTorch on Apple's GPU", "mps", "torch", is_exported=False),
    "onnxruntime_cuda": EngineKind("ONNX Runtime on the GPU", "cuda", "onnxruntime"),
    "tensorrt": EngineKind("TensorRT on the GPU", "cuda", "tensorrt"),
}


def find_hindrance(name: str) -> str | None:
    """Return why an engine can't be used here, as a sentence; None where it can.

    Raises:
        ValueError: There is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"`engine` must be one of {', '.join(ENGINES)}, got {name!r}.")
    kind = ENGINES[name]
    needed = [kind.package, *(("onnx", "onnxruntime", "onnxscript") if kind.is_exported else ())]
    missing = [package for package in dict.fromkeys(needed) if find_spec(package) is None]
    if missing:
        return f"{', '.join(missing)} isn't installed."
    if kind.device == "mps":
        return None if "mps" in available_kinds() else "there is no GPU of Apple that PyTorch can use."
    if kind.device == "cuda":
        return _find_gpu_hindrance(name)
    if kind.precision == "bfloat16":
        return None if processor_has_bfloat16() else "this processor has no bfloat16 instructions."
    return None


def _find_gpu_hindrance(name: str) -> str | None:
    import torch

    if not torch.cuda.is_available():
        return "there is no GPU that PyTorch can use."
    if name == "onnxruntime_cuda":
        import onnxruntime

        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            return "this ONNX Runtime is made for processors only; install onnxruntime-gpu in its place."
    return None


def create_engine(
    name: str, checkpoint: Path, exported: Path | None = None, *, size: tuple[int, int] | None = None,
    threads: int | None = None, most_images: int = 32,
) -> Engine:  # fmt: skip
    """Start an engine.

    Args:
        name: Of `ENGINES`.
        checkpoint: The model file.
        exported: The same model as ONNX, for engines that read it.
        size: Height and width of the images; None for those that it was trained with. An exported network has its own.
        threads: Processors it may use; None for all.
        most_images: Largest batch that it will be given; of use to TensorRT only.

    Raises:
        EngineError: It can't be used here, or there is no exported network.
    """
    hindrance = find_hindrance(name)
    if hindrance is not None:
        raise EngineError(f"{ENGINES[name].about} can't be used here: {hindrance}")
    kind = ENGINES[name]
    if not kind.is_exported:
        from cell_pipelines.inference.engines.deployed import load_deployed
        from cell_pipelines.inference.engines.pytorch import PyTorch

        return PyTorch(load_deployed(checkpoint, size), device=kind.device, threads=threads)
    if exported is None:
        raise EngineError(f"{kind.about} reads ONNX: `exported` must be a file of `export_onnx`, got none.")
    if kind.package == "openvino":
        from cell_pipelines.inference.engines.openvino_cpu import OpenVino

        return OpenVino(exported, threads=threads, precision=kind.precision)
    if name == "tensorrt":
        from cell_pipelines.inference.engines.tensorrt_gpu import TensorRt

        return TensorRt(exported, most_images=most_images)
    from cell_pipelines.inference.engines.onnx_runtime import OnnxRuntime

    return OnnxRuntime(exported, device=kind.device, threads=threads)
