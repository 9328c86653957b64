"""A network written as TorchScript, or as OpenVINO's own files; checked before it is kept, as ONNX is."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cell_pipelines.files import atomic_path
from cell_pipelines.inference.engines.deployed import DeployedNetwork
from cell_pipelines.inference.engines.export import (
    RECORD_KEY,
    ExportError,
    check_export,
    check_installed,
    export_onnx,
    quiet,
)
from cell_pipelines.inference.engines.outputs import sample_images
from cell_pipelines.typing import Float32Array


def export_torchscript(deployed: DeployedNetwork, path: Path) -> float:
    """Write a network as TorchScript, with the record as the extra file ``cell_pipelines.json`` inside.

    Arguments, result and errors are those of `export_onnx`.
    """
    import torch

    images = torch.from_numpy(sample_images(deployed.shape, 2))
    jit: Any = torch.jit  # has no types
    with atomic_path(path) as temporary:
        try:
            with quiet():
                traced = jit.trace(deployed.network, (images,), check_trace=False)
                record = {f"{RECORD_KEY}.json": json.dumps(dict(deployed.record))}
                jit.save(traced, str(temporary), _extra_files=record)
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise ExportError(f"the network can't be exported to TorchScript: {reason}") from error
        return check_export(deployed, lambda: _TorchScript(temporary))


def export_openvino(deployed: DeployedNetwork, path: Path) -> float:
    """Write a network as OpenVINO's two files, `path` and the weights beside it (``.bin``), in 32 bits.

    The record stands as JSON under ``cell_pipelines`` in the runtime information. Arguments, result and errors are
    those of `export_onnx`.
    """
    check_installed("openvino", "onnx", "onnxruntime", "onnxscript")
    import openvino

    from cell_pipelines.inference.engines.openvino_cpu import OpenVino

    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder) / "network.xml", Path(folder) / "network.bin"
        export_onnx(deployed, Path(folder) / "network.onnx")
        model = openvino.convert_model(str(Path(folder) / "network.onnx"))
        model.set_rt_info(json.dumps(dict(deployed.record)), RECORD_KEY)
        openvino.save_model(model, str(graph), compress_to_fp16=False)
        difference = check_export(deployed, lambda: OpenVino(graph))
        with atomic_path(path.with_suffix(".bin")) as beside, atomic_path(path) as temporary:
            shutil.copyfile(weights, beside)
            shutil.copyfile(graph, temporary)
    return difference


class _TorchScript:
    def __init__(self, path: Path) -> None:
        import torch

        jit: Any = torch.jit  # has no types
        self._network = jit.load(str(path), map_location="cpu")

    def __call__(self, images: Float32Array) -> tuple[Float32Array, ...]:
        import torch

        with torch.inference_mode():
            return tuple(one.numpy() for one in self._network(torch.from_numpy(images)))
