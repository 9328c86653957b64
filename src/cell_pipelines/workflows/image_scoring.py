"""Score one image after the other and store each one's scores before the next, in this process or in several."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cell_pipelines.allocation import keep_memory, memory_kept
from cell_pipelines.analysis.training_range import check_image
from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.reading import Image, ImageFile, ImageFormatError, LargeImage
from cell_pipelines.imaging.signatures import image_signature
from cell_pipelines.machine import usable_cores
from cell_pipelines.workflows.given_diameter import pixel_um
from cell_pipelines.workflows.parallel import ParallelParameters, load_ahead, map_images
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.trained_model import TrainedModel

if TYPE_CHECKING:
    from cell_pipelines.inference.prediction import Prediction, Predictor

# Larger images are read part by part while they are predicted.
_MOST_PIXELS = 1 << 26
# Stored scores of other versions are not those that would be made now.
_VERSION = b"3"
_NO_DIAMETER = "no cell was found at any scale to estimate the diameter from, so the image was taken as it is"
# Sizes of pixels that differ by less are the same, rounded.
_SAME_SIZE = 0.01


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


def run_scoring(job: "ImageScoring", images: Mapping[str, ImageFile], parallel: ParallelParameters) -> Iterator[str]:
    """Yield what went wrong with each image, if anything."""
    told: dict[str, Any] = {"description": "finding cells", "total": len(images)}
    if parallel.engine == "serial" or (parallel.engine == "processes" and parallel.workers == 1):
        with memory_kept():
            yield from map_images(job.run, load_ahead(job.load, images.items()), **told)
        return
    work = partial(_run_elsewhere, job.order(max(usable_cores() // parallel.workers, 1)))
    yield from map_images(work, images.items(), parallel=parallel, **told)


def _run_elsewhere(order: "_Order", named: tuple[str, ImageFile]) -> str:
    job = _take_order(order)
    return job.run((named, job.load(named)))


@lru_cache(maxsize=1)
def _take_order(order: "_Order") -> "ImageScoring":
    """Return the work in this process, with the model loaded once."""
    import torch

    keep_memory()
    torch.set_num_threads(min(order.threads, torch.get_num_threads()))
    parameters = InferenceParameters.model_validate_json(order.parameters)
    return ImageScoring(TrainedModel.open(order.model), order.folder, parameters, by_blocks=order.by_blocks)


@dataclass(frozen=True)
class _Order:
    """Work for another process: the file of the model, the folder, and how the network is run."""

    model: Path
    folder: Path
    parameters: str
    by_blocks: bool
    threads: int


class ImageScoring:
    """A model and the folder that keeps what it makes of images."""

    def __init__(self, model: TrainedModel, folder: Path, parameters: InferenceParameters, *, by_blocks: bool) -> None:
        from cell_pipelines.inference.predictor import predictor_options

        self._training = model.record.get("training_images") or {}
        self._normalisation = model.normalisation
        known = predictor_options(model.kind)
        options = {key: value for key, value in parameters.model_dump().items() if key in known and value is not None}
        self._model, self._options, self._parameters = model, options, parameters
        changing = {key: value for key, value in options.items() if key != "trust"}
        if parameters.diameter_um is not None or model.kind == "instanseg":
            changing |= {"diameter_um": parameters.diameter_um, "pixel_size_um": parameters.pixel_size_um}
        self._diameter_um, self._pixel_um = parameters.diameter_um, parameters.pixel_size_um
        known_by = model.path.read_bytes() + json.dumps(changing, sort_keys=True).encode() + _VERSION + b"b" * by_blocks
        self._by_blocks = by_blocks
        self._root, self._key = folder, hashlib.sha256(known_by).hexdigest()[:16]

    @cached_property
    def _predictor(self) -> "Predictor":
        from cell_pipelines.inference.predictor import take_predictor

        return take_predictor(self._model.path, **self._options)

    def order(self, threads: int) -> _Order:
        """Return what another process needs to do the same work, in so many threads."""
        return _Order(self._model.path, self._root, self._parameters.model_dump_json(), self._by_blocks, threads)

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
