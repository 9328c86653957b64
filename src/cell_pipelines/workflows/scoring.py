"""A trained model at work on images: each one's scores are stored before the next, so stopped work goes on."""

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cell_pipelines.analysis.training_range import check_image
from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.opening import may_hold_several
from cell_pipelines.imaging.reading import Image, ImageFile, ImageFormatError, LargeImage
from cell_pipelines.imaging.signatures import image_signature
from cell_pipelines.workflows.engine_choice import choose_engine, describe_engine
from cell_pipelines.workflows.given_diameter import check_diameter, pixel_um
from cell_pipelines.workflows.parallel import load_ahead, map_images
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.trained_model import TrainedModel

if TYPE_CHECKING:
    from cell_pipelines.inference.prediction import Prediction

logger = logging.getLogger(__name__)

# Larger images are read part by part while they are predicted.
_MOST_PIXELS = 1 << 26
#: Columns of the table that says what is stored where.
COLUMNS = (
    "image", "split", "height", "width", "pixel_height_um", "pixel_width_um", "pixel_size_from", "file", "tile_overlap",
    "warning", "error",
)  # fmt: skip
# Stored scores of other versions are not those that would be made now.
_VERSION = b"3"
#: Further columns for a model that knows cells of one diameter.
DIAMETER_COLUMNS = ("diameter_px", "diameter_from")
_NO_DIAMETER = "no cell was found at any scale to estimate the diameter from, so the image was taken as it is"
# Sizes of pixels that differ by less are the same, rounded.
_SAME_SIZE = 0.01
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
    job = _Scoring(model, folder, chosen, by_blocks=by_blocks)
    loaded = load_ahead(job.load, images.items())
    errors = list(map_images(job.run, loaded, description="finding cells", total=len(images)))
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


def _pixel_size(size: tuple[float, float] | None, given: float | None) -> tuple[dict[str, Any], list[str]]:
    """Return the size of an image's pixels with where it is from, and what speaks against it."""
    if size is None:
        origin = None if given is None else "given"
        return {"pixel_height_um": given, "pixel_width_um": given, "pixel_size_from": origin}, []
    columns = {"pixel_height_um": size[0], "pixel_width_um": size[1], "pixel_size_from": "file"}
    if given is None or all(math.isclose(side, given, rel_tol=_SAME_SIZE) for side in size):
        return columns, []
    told = f"{size[1]:.4g} x {size[0]:.4g}"
    return columns, [f"pixels are {told} µm by the image's file, which is used, and {given:.4g} µm as given"]


def _log_warnings(warnings: Mapping[str, str], n_images: int, *, compared: bool) -> None:
    text = "%s is unlike the training images: %s." if compared else "%s: %s."
    for name, warning in list(warnings.items())[:_MOST_WARNINGS]:
        logger.warning(text, name, warning)
    if warnings and compared:
        logger.warning("%d of %d images are unlike those that the model was trained on.", len(warnings), n_images)


class _Scoring:
    """A model and the folder that keeps what it makes of images."""

    def __init__(self, model: TrainedModel, folder: Path, parameters: InferenceParameters, *, by_blocks: bool) -> None:
        from cell_pipelines.inference.prediction import ScaledPredictor
        from cell_pipelines.inference.predictor import predictor_options, take_predictor

        self._training = model.record.get("training_images") or {}
        self._normalisation = model.normalisation
        known = predictor_options(model.kind)
        options = {key: value for key, value in parameters.model_dump().items() if key in known and value is not None}
        self._predictor = take_predictor(model.path, **options)
        changing = {key: value for key, value in options.items() if key != "trust"}
        if parameters.diameter_um is not None or isinstance(self._predictor, ScaledPredictor):
            changing |= {"diameter_um": parameters.diameter_um, "pixel_size_um": parameters.pixel_size_um}
        self._diameter_um, self._pixel_um = parameters.diameter_um, parameters.pixel_size_um
        known_by = model.path.read_bytes() + json.dumps(changing, sort_keys=True).encode() + _VERSION + b"b" * by_blocks
        self._by_blocks = by_blocks
        self._root, self._key = folder, hashlib.sha256(known_by).hexdigest()[:16]

    def path(self, name: str, file: ImageFile) -> Path:
        """Return where an image's scores are stored; it changes with the image file."""
        key = hashlib.sha256(f"{name}\0{file.signature()}".encode()).hexdigest()
        return self._root / self._key / f"{key[:32]}.npz"

    def load(self, named: tuple[str, ImageFile]) -> Image | ImageFile | ImageFormatError | None:
        """Read one image unless it is stored already or large; return what went wrong, if anything."""
        name, file = named
        if self.path(name, file).is_file():
            return None
        try:
            info = file.info()
            return file if info.height * info.width > _MOST_PIXELS else file()
        except ImageFormatError as error:
            return error

    def run(self, loaded: tuple[tuple[str, ImageFile], Image | ImageFile | ImageFormatError | None]) -> str:
        """Predict one image and store its scores; return what went wrong, if anything."""
        from cell_pipelines.inference.stored import write_arrays

        (name, file), content = loaded
        if content is None:
            return ""
        if isinstance(content, ImageFormatError):
            return str(content)
        try:
            with _opened(content) as image:
                found = self._examine(image, file)
                size, path = tuple(image.shape[:2]), self.path(name, file)
                note = found.note() | {"signature": image_signature(image)}
                write_arrays(chain(found.arrays.items(), found.blocks), size, path, note=note)
        except ImageFormatError as error:
            return str(error)
        except ValueError as error:
            raise type(error)(f"{name}: {error}") from error
        return ""

    def _examine(self, image: Image | LargeImage, file: ImageFile) -> "Prediction":
        from cell_pipelines.inference.prediction import BlockPredictor, RescalingPredictor, ScaledPredictor

        if isinstance(self._predictor, ScaledPredictor):
            return self._predictor.examine_scaled(image, pixel_um(file, self._pixel_um))
        side = None if self._diameter_um is None else pixel_um(file, self._pixel_um)
        diameter = None if self._diameter_um is None or side is None else self._diameter_um / side
        if self._by_blocks and isinstance(image, LargeImage) and isinstance(self._predictor, BlockPredictor):
            return self._predictor.examine_blocks(image, diameter)
        if diameter is None or not isinstance(self._predictor, RescalingPredictor):
            return self._predictor.examine(image)
        return self._predictor.examine_at(image, diameter)

    def describe(self, name: str, file: ImageFile) -> dict[str, Any]:
        """Return an image's size, where its scores are, and how it differs from the training images."""
        from cell_pipelines.inference.stored import read_note

        info, path = file.info(), self.path(name, file)
        pixel_size, doubts = _pixel_size(info.pixel_size_um, self._pixel_um)
        sizes = {"height": info.height, "width": info.width, **pixel_size}
        note = read_note(path)
        found = doubts + check_image(ImageStatistics(**note["statistics"]), self._training, self._normalisation)
        diameter = note.get("diameter") or {}
        if diameter and diameter["px"] is None:
            found = [*found, _NO_DIAMETER]
        found = [*found, *filter(None, [note.get("warning")])]
        return {
            **sizes,
            "diameter_px": diameter.get("px") or math.nan,
            "diameter_from": diameter.get("origin"),
            "file": path.relative_to(self._root).as_posix(),
            "tile_overlap": note["tile_overlap"],
            "warning": "; ".join(found),
        }


@contextmanager
def _opened(content: Image | ImageFile) -> Iterator[Image | LargeImage]:
    if not isinstance(content, ImageFile):
        yield content
        return
    with content.opened() as image:
        yield image
