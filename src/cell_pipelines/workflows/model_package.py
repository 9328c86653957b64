"""Gather the content of a package of BioImage.IO beside the network: test image, thresholds, what people say."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.description import Image
from cell_pipelines.imaging.intensity import to_colour
from cell_pipelines.imaging.reading import read_image
from cell_pipelines.workflows.trained_model import TrainedModel

if TYPE_CHECKING:  # it needs torch, which listing the pipelines must not load
    from cell_pipelines.inference.engines.deployed import DeployedNetwork

# Test tensors of this many pixels a side are enough, where the network takes any.
_SIDE = 256


def package_writer(
    model: TrainedModel,
    image: str | Path | None,
    *,
    licence: str | None,
    authors: Sequence[str],
    description: str | None,
) -> Callable[["DeployedNetwork", Path], float]:
    """Return what writes a model's network as a package of BioImage.IO.

    Args:
        model: A segmentation network.
        image: From which test tensors are cut; None for a generated one.
        licence: SPDX identifier.
        authors: Names of people.
        description: What the model is for.

    Raises:
        MistakeError: It is a detector, whose boxes such packages can't describe.
    """
    from cell_pipelines.inference.bioimageio_export.description import Origin
    from cell_pipelines.inference.bioimageio_export.package import Content, export_bioimageio

    representation = model.representation
    if representation is None:
        raise MistakeError(
            f"{model.path.name}: packages of BioImage.IO describe networks whose output is an image; this one gives "
            "boxes. Export it as onnx, which Ultralytics reads."
        )
    whole = _generated() if image is None else read_image(Path(image).expanduser())

    def write(deployed: "DeployedNetwork", path: Path) -> float:
        pixels = _fitted(whole, model, deployed, generated=image is None)
        origin = Origin(licence, tuple(authors), description)
        content = Content(model.path.stem, pixels, representation, model.thresholds.classes, origin)
        return export_bioimageio(deployed, path, content)

    return write


def _generated() -> Image:
    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    return simulate_nuclei(NucleiScene(), 1).image


def _fitted(image: Image, model: TrainedModel, deployed: "DeployedNetwork", *, generated: bool) -> Image:
    """Return the centre of an image at a size and with the channels that the network takes.

    Raises:
        MistakeError: It is too small, has other channels or a type that packages can't describe.
    """
    channels, height, width = deployed.shape
    pixels = to_colour(image, model.record.get("colour", "rgb"))
    if generated:
        pixels = np.resize(pixels.transpose(2, 0, 1), (channels, *pixels.shape[:2])).transpose(1, 2, 0)
        repeats = [-(-side // have) for side, have in zip((height, width), pixels.shape[:2], strict=True)]
        pixels = np.tile(pixels, (*repeats, 1))
    if pixels.shape[2] != channels:
        raise MistakeError(f"the test image has {pixels.shape[2]} channels, but the model takes {channels}.")
    if deployed.step:
        sides = [min(side, max(_SIDE, deployed.least)) // deployed.step * deployed.step for side in pixels.shape[:2]]
        height, width = max(sides[0], deployed.least), max(sides[1], deployed.least)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    if min(top, left) < 0:
        raise MistakeError(f"the test image must have {height} x {width} pixels or more, got {pixels.shape[:2]}.")
    return _typed(pixels[top : top + height, left : left + width])


def _typed(pixels: Image) -> Image:
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    if pixels.dtype.kind == "f":
        return np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    raise MistakeError(f"the test image must have 8 or 16 bits, or be floats, got {pixels.dtype}.")
