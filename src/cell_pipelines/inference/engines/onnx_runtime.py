"""ONNX Runtime as an engine, on the processor or on a GPU."""

from pathlib import Path
from typing import Any

from cell_pipelines.typing import Float32Array

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# Of the library's own messages, errors only.
_ERRORS = 3


class OnnxRuntime:
    """An exported network on ONNX Runtime.

    Args:
        path: File of `export_onnx`, or any other network with one input.
        device: ``cpu``, or ``cuda`` of NVIDIA's GPUs.
        threads: Processors it may use; None for all.

    Raises:
        ValueError: The library has no support for the device.
    """

    def __init__(self, path: Path, *, device: str = "cpu", threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS
        options.intra_op_num_threads = threads or 0
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=[_PROVIDERS[device]])
        if _PROVIDERS[device] not in self._session.get_providers():
            raise ValueError(f"`device` is {device}, which ONNX Runtime could not be started on.")
        self._input = self._session.get_inputs()[0].name

    def __call__(self, images: Float32Array) -> tuple[Float32Array, ...]:
        """Return the outputs of images (B, C, H, W)."""
        return tuple(self._session.run(None, {self._input: images}))
