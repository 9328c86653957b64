"""A trained model at work on images: each one's scores are stored before the next, so stopped work goes on."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.imaging.opening import may_hold_several
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.workflows.engine_choice import choose_engine, describe_engine
from cell_pipelines.workflows.given_diameter import check_diameter
from cell_pipelines.workflows.image_scoring import ImageScoring, run_scoring
from cell_pipelines.workflows.parallel import ParallelParameters
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)

#: Columns of the table that says what is stored where.
COLUMNS = (
    "image", "split", "height", "width", "pixel_height_um", "pixel_width_um", "pixel_size_from", "file", "tile_overlap",
    "warning", "error",
)  # fmt: skip
#: Further columns for a model that knows cells of one diameter.
DIAMETER_COLUMNS = ("diameter_px", "diameter_from")
# Images whose warnings are told one by one in the log.
_MOST_WARNINGS = 10


def as_trained(images: dict[str, ImageFile], model: TrainedModel) -> dict[str, ImageFile]:
    """Return the images with the channels and planes that the model learned from, where the catalog names none."""
    record = model.record
    learned: dict[str, Any] = {"channels": tuple(record["channels"])} if record.get("channels") else {}
    if record.get("z") is not None:
        learned["z"] = record["z"]

    def like_training(file: ImageFile) -> ImageFile:
        open_choices = {key: value for key, value in learned.items() if getattr(file.selection, key) is None}
        # A picture has neither channels to choose from nor planes.
        if not open_choices or not may_hold_several(file.path):
            return file
        return replace(file, selection=replace(file.selection, **open_choices))

    return {name: like_training(file) for name, file in images.items()}


def score_images(
    images: Mapping[str, ImageFile],
    splits: Mapping[str, str | None],
    model: TrainedModel,
    folder: Path,
    parameters: InferenceParameters,
    *,
    by_blocks: bool = False,
    parallel: ParallelParameters | None = None,
) -> pd.DataFrame:
    """Run the network on each image whose scores are not stored yet.

    Args:
        images: The images by name.
        splits: The split of each.
        model: The model.
        folder: Where scores are stored.
        parameters: How the network is run.
        by_blocks: Whether scores of images that are read part by part may be stored by blocks, of which
            `reading.read_cells` alone makes cells, so that memory holds one block.
        parallel: How the images are spread over processes, each of which loads the model once and stores what it
            predicts; serial when not given.

    Returns:
        One row per image with `COLUMNS`; `pixel_size_from` says whether the size of a pixel is by the image's file or
        given, and is empty where it is not known; `file` is below `folder`, and `error` says why an image has none.
        `warning` says how the image differs from those that the model was trained on, `tile_overlap` by how many pixels
        its tiles overlap, nan where it was taken whole. Of a model that knows cells of one diameter there are also
        `DIAMETER_COLUMNS`: the diameter in the image's pixels by which it was rescaled, nan where none was found, and
        whether it was given or estimated. Where `parameters` name another engine than PyTorch, `engine` says which
        one ran the network, in which precision.

    Raises:
        MistakeError: A diameter is given to a model that sees images as they are, or in micrometres for images that
            don't tell the size of their pixels.
    """
    check_diameter(images, model, parameters)
    chosen = choose_engine(images, model, folder, parameters)
    job = ImageScoring(model, folder, chosen, by_blocks=by_blocks)
    errors = list(run_scoring(job, images, parallel or ParallelParameters()))
    rows = [
        {"image": name, "split": splits.get(name), "warning": "", "error": error}
        | ({} if error else job.describe(name, file))
        for (name, file), error in zip(images.items(), errors, strict=True)
    ]
    warned = {row["image"]: row["warning"] for row in rows if row["warning"]}
    _log_warnings(warned, len(rows), compared=bool(model.record.get("training_images")))
    columns = [*COLUMNS, *(DIAMETER_COLUMNS if model.record.get("cell_diameter_px") else ())]
    table = pd.DataFrame(rows, columns=columns)
    return table if parameters.engine == "pytorch" else table.assign(engine=describe_engine(dict(chosen)))


def _log_warnings(warnings: Mapping[str, str], n_images: int, *, compared: bool) -> None:
    text = "%s is unlike the training images: %s." if compared else "%s: %s."
    for name, warning in list(warnings.items())[:_MOST_WARNINGS]:
        logger.warning(text, name, warning)
    if warnings and compared:
        logger.warning("%d of %d images are unlike those that the model was trained on.", len(warnings), n_images)
