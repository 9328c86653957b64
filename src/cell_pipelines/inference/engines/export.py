"""A network written as ONNX, for any batch, with what one must know to use it; checked before it is kept."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cell_pipelines.files import atomic_path
from cell_pipelines.inference.engines.deployed import DeployedNetwork
from cell_pipelines.inference.engines.outputs import compare_outputs, sample_images
from cell_pipelines.quiet_loggers import quiet_loggers

logger = logging.getLogger(__name__)

RECORD_KEY = "cell_pipelines"
#: Largest difference to PyTorch's output, of scores and relative to the largest of an output in pixels.
TOLERANCE = 1e-3
# Both kept engines read it, and it has all that networks need.
_OPSET = 20
_MOST_IMAGES = 1024


class ExportError(RuntimeError):
    """A network that can't be exported, or whose export gives something else."""


def export_onnx(deployed: DeployedNetwork, path: Path) -> float:
    """Write a network as one ONNX file, and run it to see that it gives what PyTorch gives.

    The file takes ``images`` (batch, C, H, W) float32 in [0, 1], any batch. Its metadata hold the record as JSON under
    ``cell_pipelines``; for a YOLO also what Ultralytics writes, so that its own tools load the file.

    Args:
        deployed: The network.
        path: File to be written, whole or not at all.

    Returns:
        The largest difference, as `compare_outputs` gives it.

    Raises:
        ExportError: It can't be exported, or the outputs differ by more than `TOLERANCE`.
        ModuleNotFoundError: ONNX or ONNX Runtime isn't installed.
    """
    _check_installed()
    errors: list[Exception] = []
    # What the tracer doesn't know, or gets wrong, is followed symbolically, which takes ten times as long.
    for write in (_trace, _follow):
        try:
            with atomic_path(path) as temporary:
                _write(write, deployed, temporary)
                return _check(deployed, temporary)
        except ExportError as error:
            logger.debug("%s: %s", write.__name__, error)
            errors.append(error)
    raise errors[-1]


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"exporting a network needs {', '.join(missing)}, which isn't installed; "
            "install cell-pipelines with its extra `engines`."
        )


def _write(write: Callable[[DeployedNetwork, Path], None], deployed: DeployedNetwork, path: Path) -> None:
    try:
        with _quiet():
            write(deployed, path)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ExportError(f"the network can't be exported to ONNX: {reason}") from error
    _add_metadata(path, deployed)


def _trace(deployed: DeployedNetwork, path: Path) -> None:
    import torch

    images = torch.from_numpy(sample_images(deployed.shape, 2))
    names = ["images", *deployed.outputs]
    torch.onnx.export(
        deployed.network, (images,), str(path), input_names=names[:1], output_names=names[1:], opset_version=_OPSET,
        dynamic_axes={name: {0: "batch"} for name in names}, dynamo=False,
    )  # fmt: skip


def _follow(deployed: DeployedNetwork, path: Path) -> None:
    import torch

    images = torch.from_numpy(sample_images(deployed.shape, 2))
    batch = torch.export.Dim("batch", min=1, max=_MOST_IMAGES)
    torch.onnx.export(
        deployed.network, (images,), str(path), input_names=["images"], output_names=list(deployed.outputs),
        dynamic_shapes=({0: batch},), dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporters say of themselves out of the log; whether the export is right is seen afterwards."""
    names = ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")
    silent = quiet_loggers(*names, level=logging.CRITICAL)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), silent:
        warnings.simplefilter("ignore")
        yield


def _add_metadata(path: Path, deployed: DeployedNetwork) -> None:
    import onnx

    model = onnx.load(str(path))
    record = dict(deployed.record)
    entries = {RECORD_KEY: json.dumps(record), **(_for_ultralytics(record) if "task" in record else {})}
    onnx.helper.set_model_props(model, entries)
    onnx.save(model, str(path))


def _for_ultralytics(record: dict[str, Any]) -> dict[str, str]:
    _, channels, height, width = record["input"]["shape"]
    names = dict(enumerate(record["categories"]))
    values = {
        "stride": record["stride"], "task": record["task"], "batch": 1, "imgsz": [height, width], "names": names,
        "channels": channels, "end2end": record["suppressed"], "args": {}, "license": "AGPL-3.0",
    }  # fmt: skip
    return {key: str(value) for key, value in values.items()}


def _check(deployed: DeployedNetwork, path: Path) -> float:
    from cell_pipelines.inference.engines.onnx_runtime import OnnxRuntime
    from cell_pipelines.inference.engines.pytorch import PyTorch

    images = sample_images(deployed.shape, 3)
    expected = PyTorch(deployed)(images)
    try:
        found = OnnxRuntime(path)(images)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ExportError(f"the exported network can't be run: {reason}") from error
    difference = compare_outputs(expected, found)
    if not difference <= TOLERANCE:
        raise ExportError(f"the exported network differs from PyTorch's by {difference:.2g}, more than {TOLERANCE:g}.")
    return difference
