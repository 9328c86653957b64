"""Write a network as a package of BioImage.IO, tested by its own library before it is kept."""

import json
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.files import atomic_path
from cell_pipelines.imaging.description import Image
from cell_pipelines.imaging.intensity import to_rgb, to_uint8, to_unit
from cell_pipelines.imaging.writing import write_image
from cell_pipelines.inference.bioimageio_export import decode as script
from cell_pipelines.inference.bioimageio_export.decoding import write_modules
from cell_pipelines.inference.bioimageio_export.description import Facts, Origin, describe
from cell_pipelines.inference.bioimageio_export.documentation import write_readme
from cell_pipelines.inference.engines.deployed import DeployedNetwork
from cell_pipelines.inference.engines.export import OPSET, ExportError, export_onnx
from cell_pipelines.inference.engines.other_exports import export_torchscript
from cell_pipelines.inference.engines.pytorch import PyTorch
from cell_pipelines.representations.base import Representation
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import LabelImage

logger = logging.getLogger(__name__)

_ATTACHED = ("decode.py", "decoding.json", "decoding.zip")


@dataclass(frozen=True, eq=False)
class Content:
    """Content of a package beside the network.

    Attributes:
        name: Of the model.
        image: (H, W, C) uint8, uint16 or float32, with the channels and a size that the network takes.
        representation: What the network's scores stand for.
        thresholds: By which cells are decoded, by class.
        origin: What the model file can't say.
    """

    name: str
    image: Image
    representation: Representation
    thresholds: Mapping[str, Threshold]
    origin: Origin


def export_bioimageio(deployed: DeployedNetwork, path: Path, content: Content) -> float:
    """Write a package with weights as TorchScript and ONNX, test tensors and our decoding as a script.

    Args:
        deployed: A segmentation network.
        path: The ZIP file, written whole or not at all.
        content: What goes into it.

    Returns:
        The largest difference of both kinds of weights from PyTorch, as `compare_outputs` gives it.

    Raises:
        ExportError: It can't be exported, gives something else then, or `bioimageio.core`'s own test fails.
        ModuleNotFoundError: ONNX or ONNX Runtime isn't installed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        difference = export_torchscript(deployed, folder / "weights.pt")
        difference = max(difference, export_onnx(deployed, folder / "weights.onnx"))
        _fill(folder, deployed, content)
        with atomic_path(path) as temporary:
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(folder.iterdir()):
                    archive.write(file, file.name)
            _test(temporary, path.name)
    return difference


def _fill(folder: Path, deployed: DeployedNetwork, content: Content) -> None:
    import torch
    import yaml

    unit = to_unit(content.image, deployed.record["normalisation"])
    (output,) = PyTorch(deployed)(np.ascontiguousarray(unit.transpose(2, 0, 1)[None]))
    np.save(folder / "test_input.npy", np.ascontiguousarray(content.image.transpose(2, 0, 1)[None]))
    np.save(folder / "test_output.npy", output)
    packages = _add_decoding(folder, content)
    labels = script.decode_by(json.loads((folder / "decoding.json").read_text(encoding="utf-8")), output)
    _draw_cover(content.image, list(labels.values()), folder / "cover.png")
    facts = Facts(
        content.name, json.loads(json.dumps(dict(deployed.record))), deployed.shape, deployed.step, deployed.least,
        str(content.image.dtype), content.representation.channels, torch.__version__, OPSET,
    )  # fmt: skip
    counts = {name: int(one.max(initial=0)) for name, one in labels.items()}
    write_readme(folder / "README.md", facts, content.origin, counts, packages)
    described = yaml.safe_dump(describe(facts, content.origin, folder, _ATTACHED), sort_keys=False, allow_unicode=True)
    (folder / "rdf.yaml").write_text(described, encoding="utf-8")


def _add_decoding(folder: Path, content: Content) -> tuple[str, ...]:
    """Write the script with its modules and thresholds, and return the packages that it may need."""
    from cell_pipelines.representations.registry import REPRESENTATIONS

    source = Path(script.__file__)
    shutil.copyfile(source, folder / "decode.py")
    kind: Any = content.representation  # a dataclass of its options
    known = {
        "representation": {
            "name": next(name for name, one in REPRESENTATIONS.items() if one is type(kind)),
            "options": asdict(kind),
        },
        "thresholds": {name: asdict(one) for name, one in content.thresholds.items()},
    }
    (folder / "decoding.json").write_text(json.dumps(known, indent=1), encoding="utf-8")
    return write_modules(source, folder / "decoding.zip")


def _draw_cover(image: Image, labels: list[LabelImage], path: Path) -> None:
    """Draw the test image, and beside it its cells, each in a colour of its own."""
    seen = to_rgb(to_uint8(image, normalisation="percentile"))
    colours = np.random.default_rng(0).integers(60, 256, (1 + max(int(one.max(initial=0)) for one in labels), 3))
    colours[0] = 0
    cells = np.max([colours[one] for one in labels], axis=0).astype(np.uint8)
    write_image(np.concatenate([seen, cells], axis=1), path)


def _test(path: Path, name: str) -> None:
    from cell_pipelines.models.foreign.bioimageio import load_description
    from cell_pipelines.models.foreign.extras import import_extra

    try:
        model = load_description(path)
    except ImportError as error:
        logger.warning("%s isn't tested by bioimageio.core: %s", name, error)
        return
    core = import_extra("bioimageio.core", "bioimageio", "models of BioImage.IO")
    summary = core.test_model(model, devices=["cpu"])
    if summary.status != "passed":
        wrong = "; ".join(error.msg for detail in summary.details for error in detail.errors)
        raise ExportError(f"bioimageio.core's test of the package fails: {' '.join(wrong.split())[:500]}")
