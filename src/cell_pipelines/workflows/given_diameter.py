"""The diameter of cells that somebody gives: whether it can be used, and what a pixel measures."""

import math
from collections.abc import Mapping

from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.starters import starters
from cell_pipelines.workflows.trained_model import TrainedModel


def check_diameter(images: Mapping[str, ImageFile], model: TrainedModel, parameters: InferenceParameters) -> None:
    """Refuse a diameter of cells that tells a model nothing, or that can't be brought to pixels.

    Raises:
        MistakeError: It is given to a model that sees images as they are, or in micrometres for images that don't tell
            the size of their pixels.
    """
    given = parameters.diameter_um or parameters.diameter_px
    if given is None:
        return
    if not model.record.get("cell_diameter_px"):
        raise MistakeError(
            f"{model.path}: this model sees images as they are, so the diameter of cells tells it nothing; leave it "
            f"out, got {given}. Models that know cells of one diameter are the starters ({', '.join(starters())}), "
            "those trained with `cell_diameter_px`, and Cellpose's."
        )
    if parameters.diameter_um is None:
        return
    given = parameters.pixel_size_um
    without = [name for name, file in images.items() if not file.unread and pixel_um(file, given) is None]
    if without:
        raise MistakeError(
            f"{without[0]}: the diameter is given in micrometres, but the image doesn't tell the size of its pixels "
            f"({len(without)} of {len(images)} images); give the size of a pixel (`pixel_size`, in a project "
            "`inference.pixel_size_um`), or the diameter in pixels."
        )


def pixel_um(file: ImageFile, given: float | None) -> float | None:
    """Return the side of a square as large as an image's pixel in micrometres; None where nothing tells it."""
    try:
        size = file.info().pixel_size_um
    except ImageFormatError:
        return math.nan  # it is listed with its error
    return given if size is None else math.sqrt(size[0] * size[1])
