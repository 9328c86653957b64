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
from cell_pipelines.typing import Float32Array

logger = logging.getLogger(__name__)

RECORD_KEY = "cell_pipelines"
#: Largest difference to PyTorch's output, of scores and relative to the largest of an output in pixels.
TOLERANCE = 1e-3
#: Both kept engines read it, and it has all that networks need.
OPSET = 20
_MOST_IMAGES = 1024


#: Images (B, C, H, W) to outputs.
Engine = Callable[[Float32Array], tuple[Float32Array, ...]]


class ExportError(RuntimeError):
    """A network that can't be exported, or whose export gives something else."""


def export_onnx(deployed: DeployedNetwork, path: Path) -> float:
    """Write a network as one ONNX file, and run it to see that it gives what PyTorch gives.

    The file takes ``images`` (batch, C, H, W) float32 in [0, 1], any batch, and other sizes where the network does. Its
    metadata hold the record as JSON under ``cell_pipelines``; for a YOLO also what Ultralytics writes, so that its own
    tools load the file.

    Args:
        deployed: The network.
        path: File to be written, whole or not at all.

    Returns:
        The largest difference, as `compare_outputs` gives it.

    Raises:
        ExportError: It can't be exported, or the outputs differ by more than `TOLERANCE`.
        ModuleNotFoundError: ONNX or ONNX Runtime isn't installed.
    """
    check_installed("onnx", "onnxruntime", "onnxscript")
    from cell_pipelines.inference.engines.onnx_runtime import OnnxRuntime

    errors: list[Exception] = []
    # What the tracer doesn't know, or gets wrong, is followed symbolically, which takes ten times as long.
    for write in (_trace, _follow):
        try:
            with atomic_path(path) as temporary:
                _write(write, deployed, temporary)
                return check_export(deployed, lambda: OnnxRuntime(temporary))  # called at once
        except ExportError as error:
            logger.debug("%s: %s", write.__name__, error)
            errors.append(error)
    raise errors[0 if deployed.step else -1]


def check_installed(*packages: str) -> None:
    """Refuse an export whose packages aren't there.

    Raises:
        ModuleNotFoundError: The sentence names those that are missing, and the extra.
    """
    from importlib.util import find_spec

    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"exporting a network needs {', '.join(missing)}, which isn't installed; "
            "install cell-pipelines with its extra `engines`."
        )


def _write(write: Callable[[DeployedNetwork, Path], None], deployed: DeployedNetwork, path: Path) -> None:
    try:
        with quiet():
            write(deployed, path)
    except Exception as error:
        raise ExportError(f"the network can't be exported to ONNX: {_reason(error)}") from error
    _add_metadata(path, deployed)


def _trace(deployed: DeployedNetwork, path: Path) -> None:
    import torch

    images = torch.from_numpy(sample_images(deployed.shape, 2))
    names = ["images", *deployed.outputs]
    axes = {0: "batch", **({2: "height", 3: "width"} if deployed.step else {})}
    torch.onnx.export(
        deployed.network, (images,), str(path), input_names=names[:1], output_names=names[1:], opset_version=OPSET,
        dynamic_axes=dict.fromkeys(names, axes), dynamo=False,
    )  # fmt: skip


def _follow(deployed: DeployedNetwork, path: Path) -> None:
    import torch

    images = torch.from_numpy(sample_images(deployed.shape, 2))
    axes: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=_MOST_IMAGES)}
    if deployed.step:
        axes |= {place: deployed.step * torch.export.Dim(name, min=1) for place, name in ((2, "rows"), (3, "columns"))}
    torch.onnx.export(
        deployed.network, (images,), str(path), input_names=["images"], output_names=list(deployed.outputs),
        dynamic_shapes=(axes,), dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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


def check_export(deployed: DeployedNetwork, open_engine: Callable[[], Engine]) -> float:
    """Return how far an exported network's outputs lie from PyTorch's, over all sizes that it is tried on.

    Args:
        deployed: The network.
        open_engine: Opens what was exported.

    Raises:
        ExportError: It can't be run, or they differ by more than `TOLERANCE`.
    """
    from cell_pipelines.inference.engines.pytorch import PyTorch

    reference = PyTorch(deployed)
    images = [sample_images(shape, 3 - number) for number, shape in enumerate(_tried_shapes(deployed))]
    try:
        with quiet():
            engine = open_engine()
            found = [engine(one) for one in images]
    except Exception as error:
        raise ExportError(f"the exported network can't be run: {_reason(error)}") from error
    worst = max(compare_outputs(reference(one), other) for one, other in zip(images, found, strict=True))
    if not worst <= TOLERANCE:
        raise ExportError(f"the exported network differs from PyTorch's by {worst:.2g}, more than {TOLERANCE:g}.")
    return worst


def _tried_shapes(deployed: DeployedNetwork) -> list[tuple[int, int, int]]:
    channels, height, width = deployed.shape
    step = deployed.step
    return [deployed.shape] if step is None else [deployed.shape, (channels, height + step, width + 2 * step)]


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
