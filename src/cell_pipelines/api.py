"""The Python interface: count cells, evaluate models and convert annotations in one call each.

>>> from cell_pipelines import count
>>> result = count("cells/*.tif", model="nuclei")  # doctest: +SKIP
>>> result.table[["image", "total"]]  # doctest: +SKIP

Kedro's pipelines and the commands call the same functions, so that counts are the same through every one of them.
"""

import math
import re
import tempfile
from pathlib import Path

from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.count_result import CountResult
from cell_pipelines.workflows.counting import count_cells, find_cells
from cell_pipelines.workflows.image_sources import Channel, Images, collect_images, folders_of
from cell_pipelines.workflows.model_names import open_model
from cell_pipelines.workflows.outputs import check_new_folder, check_outside
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.trained_model import TrainedModel

#: A trained model, or what names one: a starter, the path of a model file, or ``study/model``.
Model = str | Path | TrainedModel
#: Diameter of a cell in pixels, or as text with its unit: ``"30 px"``, ``"12 um"``, ``"auto"``.
Diameter = float | str | None
DEFAULT_MODEL = "nuclei"
_UNITS = {"": "diameter_px", "px": "diameter_px", "um": "diameter_um", "µm": "diameter_um", "μm": "diameter_um"}


def load_model(model: Model = DEFAULT_MODEL) -> TrainedModel:
    """Return a trained model, for `count` and `evaluate`.

    Args:
        model: Name of a starter, path of a model file, or ``study/model`` of a project in this folder.

    Raises:
        MistakeError: There is no such model; the sentence says which there are.
        ValueError: The file is no model.
    """
    return open_model(model)


def count(
    images: Images,
    model: Model = DEFAULT_MODEL,
    *,
    diameter: Diameter = None,
    channel: Channel = None,
    threshold: float | None = None,
    out: str | Path | None = None,
) -> CountResult:
    """Count the cells of images.

    Args:
        images: An array (H, W) or (H, W, C) of bool, unsigned integers or floats; a file, a folder that is searched at
            any depth, or a pattern such as ``"~/cells/*.tif"``; or a list of arrays, or of paths.
        model: What finds the cells.
        diameter: Of a cell in pixels, or in micrometres as ``"12 um"``; ``"auto"`` measures it. None for ``"auto"``
            where the model knows the diameter that it was trained on, else images are taken as they are.
        channel: What to take of files with several channels: a name, or a number from 0, or several. None for those
            that the model was trained on, or all.
        threshold: Least score of a cell, in [0, 1], for all classes; None for the model's own.
        out: A new folder that gets the tables, a page, the annotations and the overlays; None to write nothing.

    Returns:
        The counts, one row per image, and the cells. An image that can't be read has a row with its `error`.

    Raises:
        ImageFormatError: There is no image, or none can be read.
        MistakeError: There is no such model, a value is out of range, or `out` can't be written.
    """
    inference, parameters = _inference(diameter), PredictionParameters(confidence=_threshold(threshold))
    files = collect_images(images, channel)
    trained = open_model(model)
    place = None if out is None else check_new_folder(Path(out))
    if place is not None:
        check_outside(place, folders_of(images))
    with tempfile.TemporaryDirectory(prefix="cell_pipelines_") as scores:
        found = find_cells(files, trained, Path(scores), inference, parameters)
    result = CountResult(count_cells(found, trained, parameters), found.annotations, files, trained)
    if place is not None:
        result.save(place)
    return result


def _threshold(value: float | None) -> float | None:
    if value is None or (isinstance(value, int | float) and 0 <= value <= 1):
        return value
    raise MistakeError(f"`threshold` must be a number from 0 to 1, got {value!r}.")


def _inference(diameter: Diameter) -> InferenceParameters:
    if diameter is None:
        return InferenceParameters()
    if diameter == "auto":
        return InferenceParameters.model_validate({"diameter_px": "auto"})
    text = re.fullmatch(r"\s*([0-9.,eE+-]+)\s*([a-zA-Zµμ]*)\s*", str(diameter))
    name = _UNITS.get(text[2]) if text else None
    try:
        value = float(text[1].replace(",", ".")) if text else math.nan
    except ValueError:
        value = math.nan
    if name is None or not 0 < value < math.inf:
        raise MistakeError(
            '`diameter` must be a number of pixels above 0, such as 30, micrometres such as "12 um", or "auto", '
            f"got {diameter!r}."
        )
    return InferenceParameters.model_validate({name: value})
