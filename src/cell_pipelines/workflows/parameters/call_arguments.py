"""Numbers with units as a person gives them to a command or a function, read into parameters."""

import math
import re
from typing import Any, get_args

from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.description import MAX_PIXEL_UM
from cell_pipelines.workflows.parallel import ParallelParameters
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.trained_model import TrainedModel

#: Diameter of a cell in pixels, or as text with its unit: ``"30 px"``, ``"12 um"``, ``"auto"``.
Diameter = float | str | None
#: Micrometres per pixel, also as text: ``"0.325 um"``.
PixelSize = float | str | None
_MICROMETRES = ("um", "µm", "μm", "micron", "microns")
# Cells of fewer pixels have no outline, and none is larger, in pixels or in micrometres.
_LEAST_PX, _MOST_DIAMETER = 2, 5000
_PIXELS = ("", "px", "pixel", "pixels")


def read_threshold(value: float | None) -> float | None:
    """Return a least score.

    Raises:
        MistakeError: It is no number from 0 to 1.
    """
    if value is None or (isinstance(value, int | float) and 0 <= value <= 1):
        return value
    raise MistakeError(f"`threshold` must be a number from 0 to 1, got {value!r}.")


def read_inference(
    diameter: Diameter,
    pixel_size: PixelSize = None,
    test_time_augmentation: bool = False,
    engine: str = "pytorch",
) -> InferenceParameters:
    """Return how a network is run on images whose cells have this diameter, and whose pixels this size.

    Raises:
        MistakeError: One of them can't be understood, or is out of range.
    """
    sizes = _read_diameter(diameter) | _read_pixel_size(pixel_size)
    known = get_args(InferenceParameters.model_fields["engine"].annotation)
    if engine not in known:
        raise MistakeError(f"`engine` must be one of {', '.join(known)}, got {engine!r}.")
    others = {"test_time_augmentation": bool(test_time_augmentation), "engine": engine}
    return InferenceParameters.model_validate({**sizes, **others})


def read_prediction(threshold: float | None, workers: int) -> PredictionParameters:
    """Return how cells are counted: from which score on, and by how many processes.

    Raises:
        MistakeError: The threshold is no number from 0 to 1, or `workers` no whole number of 1 or more.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise MistakeError(f"`workers` must be a whole number of 1 or more, got {workers!r}.")
    parallel = ParallelParameters(engine="processes", workers=workers) if workers > 1 else ParallelParameters()
    return PredictionParameters(confidence=read_threshold(threshold), parallel=parallel)


def check_averaging(model: TrainedModel, inference: InferenceParameters) -> TrainedModel:
    """Return the model.

    Raises:
        MistakeError: It is to be averaged over turns and mirror images, which its family does not do.
    """
    from cell_pipelines.inference.predictor import predictor_options

    if inference.test_time_augmentation and "test_time_augmentation" not in predictor_options(model.kind):
        raise MistakeError(
            f"{model.path}: `test_time_augmentation` is of segmentation networks of this project, not of {model.kind}; "
            "leave it out."
        )
    return model


def _read_diameter(diameter: Diameter) -> dict[str, Any]:
    if diameter is None:
        return {}
    if str(diameter).strip().lower() == "auto":
        return {"diameter_px": "auto"}
    value, unit = _read_number(diameter)
    name = "diameter_px" if unit in _PIXELS else "diameter_um" if unit in _MICROMETRES else ""
    if not name or not 0 < value <= _MOST_DIAMETER or (name == "diameter_px" and value < _LEAST_PX):
        raise MistakeError(
            f"`diameter` must be a number of pixels from {_LEAST_PX} to {_MOST_DIAMETER}, such as 30, micrometres "
            f'above 0, such as "12 um", or "auto", got {diameter!r}.'
        )
    return {name: value}


def _read_pixel_size(pixel_size: PixelSize) -> dict[str, Any]:
    if pixel_size is None:
        return {}
    value, unit = _read_number(pixel_size)
    if unit not in ("", *_MICROMETRES) or not 0 < value <= MAX_PIXEL_UM:
        raise MistakeError(
            "`pixel_size` must be the micrometres from one pixel to the next, above 0 and at most "
            f"{MAX_PIXEL_UM:g}, such as 0.325; got {pixel_size!r}."
        )
    return {"pixel_size_um": value}


def _read_number(value: float | str) -> tuple[float, str]:
    """Return a number and its unit in small letters; NaN where there is none."""
    text = re.fullmatch(r"\s*([0-9.,eE+-]+?)\s*([a-zA-Zµμ]*)\s*", str(value))
    try:
        return (float(text[1].replace(",", ".")), text[2].lower()) if text else (math.nan, "")
    except ValueError:
        return math.nan, ""
