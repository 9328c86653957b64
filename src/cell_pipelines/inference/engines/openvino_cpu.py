"""OpenVINO as an engine, on the processor."""

from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.typing import Float32Array


class OpenVino:
    """An exported network on OpenVINO.

    Args:
        path: File of `export_onnx`, or any other network with one input.
        threads: Processors it may use; None for all.
        precision: ``float32``; or ``bfloat16``, with fewer bits, which processors that have the instructions run at
            twice the speed.
    """

    def __init__(self, path: Path, *, threads: int | None = None, precision: str = "float32") -> None:
        import openvino

        # Left to itself it takes fewer bits wherever the processor has them.
        hints: dict[str, Any] = {"INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision]}
        if threads:
            hints["INFERENCE_NUM_THREADS"] = threads
        self._request: Any = openvino.Core().compile_model(str(path), "CPU", hints).create_infer_request()

    def __call__(self, images: Float32Array) -> tuple[Float32Array, ...]:
        """Return the outputs of images (B, C, H, W)."""
        found = self._request.infer([images])
        return tuple(np.array(found[place]) for place in range(len(found)))
