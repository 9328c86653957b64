"""Write a trained model for other programs; each file is run and compared with PyTorch before it is kept."""

import difflib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.model_names import DEFAULT_MODEL, Model, open_model

if TYPE_CHECKING:  # it needs torch, which listing the pipelines must not load
    from cell_pipelines.inference.engines.deployed import DeployedNetwork

logger = logging.getLogger(__name__)

#: How the file of each format ends.
FORMATS = {"onnx": ".onnx", "torchscript": ".torchscript", "openvino": ".xml", "bioimageio": ".zip"}


@dataclass(frozen=True)
class ExportedModel:
    """A model that was written for other programs.

    Attributes:
        path: The file; of OpenVINO the one that names the network, whose weights lie beside it.
        format: A name of `FORMATS`.
        difference: Largest difference from PyTorch's outputs, of scores, and of pixels relative to the image.
        sizes: What sizes of images it takes, in words.
    """

    path: Path
    format: str
    difference: float
    sizes: str

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that were written."""
        return (self.path, self.path.with_suffix(".bin")) if self.format == "openvino" else (self.path,)

    def sentence(self) -> str:
        """Return what was written, and how far it differs from PyTorch."""
        return (
            f"{self.path.name}: {self.format}, for images of {self.sizes}; "
            f"outputs differ from PyTorch's by at most {self.difference:.1g}."
        )


def export_model(
    model: Model = DEFAULT_MODEL,
    out: str | Path | None = None,
    *,
    format: str = "onnx",
    image: str | Path | None = None,
    licence: str | None = None,
    authors: Sequence[str] = (),
    description: str | None = None,
) -> ExportedModel:
    """Write a model in a format of other programs.

    Segmentation networks take images of any height and width that are multiples of their stride, where the format can
    follow that; others take one size.

    Args:
        model: Name of a starter, path of a model file, or ``study/model`` of a project in this folder.
        out: A new file; None for one in the working folder, called as the model.
        format: ``onnx``, ``torchscript``, ``openvino``, or ``bioimageio``: a package of BioImage.IO with weights as
            TorchScript and ONNX, test tensors and our decoding as a script, which all that follows is for.
        image: From which the test tensors are cut; None for a generated one.
        licence: SPDX identifier of the weights' licence, such as ``CC-BY-4.0``; None states none.
        authors: Names of people.
        description: What the model is for; None for a sentence with its classes.

    Raises:
        MistakeError: There is no such model or format, the file is there already or ends otherwise.
        ValueError: Only another tool can run the model.
        ExportError: The network can't be exported, or gives something else then.
        ModuleNotFoundError: A package that the format needs isn't installed.
    """
    check_format(format)
    trained = open_model(model)
    path = check_new_file(Path(out or f"{trained.path.stem}{FORMATS[format]}"), format)
    from cell_pipelines.inference.engines.deployed import load_deployed

    deployed = load_deployed(trained.path, any_size=True)
    if format != "bioimageio":
        return _write_any_size(_writer(format), deployed, format, path)
    from cell_pipelines.workflows.model_package import package_writer

    write = package_writer(trained, image, licence=licence, authors=authors, description=description)
    return _write_any_size(write, deployed, format, path)


def check_format(format: str) -> None:
    """Refuse a format that is not there.

    Raises:
        MistakeError: The sentence lists those there are.
    """
    if format not in FORMATS:
        close = difflib.get_close_matches(format.strip().lower(), FORMATS, n=1)
        hint = f" Did you mean `{close[0]}`?" if close else ""
        raise MistakeError(f"there is no format `{format}` for models.{hint} Formats: {', '.join(FORMATS)}.")


def check_new_file(path: Path, format: str) -> Path:
    """Return the absolute path of the file that is to be written.

    Raises:
        MistakeError: The file, or that of the weights beside it, is there already; or it ends otherwise.
    """
    path, suffix = path.expanduser().absolute(), FORMATS[format]
    if path.suffix != suffix:
        raise MistakeError(f"{path}: expected a file that ends in {suffix} for {format}.")
    beside = [path, path.with_suffix(".bin")] if format == "openvino" else [path]
    for one in beside:
        if one.exists():
            raise MistakeError(f"{one}: expected a new file to write; there is one already. Name another one.")
    return path


def _writer(format: str) -> Callable[["DeployedNetwork", Path], float]:
    from cell_pipelines.inference.engines.export import export_onnx
    from cell_pipelines.inference.engines.other_exports import export_openvino, export_torchscript

    return {"onnx": export_onnx, "torchscript": export_torchscript, "openvino": export_openvino}[format]


def _write_any_size(
    write: Callable[["DeployedNetwork", Path], float], deployed: "DeployedNetwork", format: str, path: Path
) -> ExportedModel:
    from cell_pipelines.inference.engines.export import ExportError

    if deployed.step is not None:
        try:
            return ExportedModel(path, format, write(deployed, path), describe_sizes(deployed))
        except ExportError as error:
            logger.warning("%s can't be written for any size (%s); it takes one size.", path.name, error)
            deployed = deployed.of_one_size()
    return ExportedModel(path, format, write(deployed, path), describe_sizes(deployed))


def describe_sizes(deployed: "DeployedNetwork") -> str:
    """Return what sizes of images a network takes, in words."""
    _, height, width = deployed.shape
    if deployed.step is None:
        return f"{height} x {width} pixels"
    least = f", {deployed.least} or more" if deployed.least > deployed.step else ""
    multiples = f" that are multiples of {deployed.step} pixels" if deployed.step > 1 else ""
    return f"any height and width{multiples}{least}"
