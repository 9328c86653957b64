"""Predict with any trained model: images in, arrays to be stored out, and cells from stored arrays.

Prediction and decoding are apart: a network sees each image once, `Predictor.predict` gives what is stored of it, and a
`Reader`, which needs no network, makes cells of that for any threshold or decoding, as often as wanted.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.bioimageio import BioimagePredictor
from cell_pipelines.inference.cellpose import CellposePredictor
from cell_pipelines.inference.detection import BoxPredictor
from cell_pipelines.inference.instanseg import InstansegPredictor
from cell_pipelines.inference.pixels import trained_normalisation
from cell_pipelines.inference.prediction import Arrays, Prediction, Predictor
from cell_pipelines.inference.rescaling import PixelSource
from cell_pipelines.inference.segmentation import SegmentationPredictor
from cell_pipelines.representations.base import Scores

_NO_SCALE = "the image doesn't tell the size of its pixels, so the model took them to be"
_keeps: ContextVar[bool] = ContextVar("keeps_networks", default=False)


def create_predictor(checkpoint: Path, **options: Any) -> Predictor:
    """Load a model file of any family.

    Args:
        checkpoint: A YOLO or a segmentation model.
        **options: Those of `BoxPredictor` or `SegmentationPredictor`; ``predictor_options`` names them. Colours,
            channels and normalisation are the model's own.

    Raises:
        ValueError: The file is no model, or an option is unknown to its family or doesn't fit.
    """
    from cell_pipelines.models.model_file import model_family, read_record

    family = model_family(checkpoint)
    unknown = sorted(set(options) - set(predictor_options(family)))
    if unknown:
        known = ", ".join(predictor_options(family))
        raise ValueError(f"{checkpoint}: a {family} model takes the options {known}; got {', '.join(unknown)}.")
    if family == "yolo":
        options.setdefault("normalisation", trained_normalisation(read_record(checkpoint), family))
        return _Boxes(BoxPredictor(checkpoint, **options))
    if family == "cellpose":
        return _Flows(CellposePredictor(checkpoint, **options))
    if family == "bioimageio":
        return _Whole(BioimagePredictor(checkpoint, **options))
    if family == "instanseg":
        return _Scaled(InstansegPredictor(checkpoint, **options))
    return _Maps(SegmentationPredictor(checkpoint, **options))


@contextmanager
def networks_kept() -> Iterator[None]:
    """Let `take_predictor` keep the last network loaded for the next images, in this thread while the block runs."""
    token = _keeps.set(True)
    try:
        yield
    finally:
        _keeps.reset(token)


def take_predictor(checkpoint: Path, **options: Any) -> Predictor:
    """Load a model file as `create_predictor` does, or take the one that `networks_kept` kept."""
    if not _keeps.get():
        return create_predictor(checkpoint, **options)
    status = checkpoint.stat()
    return _load_once(checkpoint, (status.st_mtime_ns, status.st_size), tuple(sorted(options.items())))


@lru_cache(maxsize=1)
def _load_once(checkpoint: Path, _: tuple[int, int], options: tuple[tuple[str, Any], ...]) -> Predictor:
    return create_predictor(checkpoint, **dict(options))


def predictor_options(family: str) -> tuple[str, ...]:
    """Return the names of the options that the predictor of a family (``yolo``, ``segmentation``, ...) takes."""
    kinds: dict[str, Any] = {
        "yolo": BoxPredictor, "segmentation": SegmentationPredictor, "cellpose": CellposePredictor,
        "bioimageio": BioimagePredictor, "instanseg": InstansegPredictor,
    }  # fmt: skip
    if family not in kinds:
        raise ValueError(f"`family` must be one of {', '.join(kinds)}, got {family!r}.")
    parameters = inspect.signature(kinds[family]).parameters.values()
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


class _Boxes:
    def __init__(self, predictor: BoxPredictor) -> None:
        self._predictor, self.categories = predictor, predictor.categories

    def predict(self, image: Image | LargeImage) -> Arrays:
        return self.examine(image).arrays

    def examine(self, image: Image | LargeImage) -> Prediction:
        pixels = self._predictor.open(image)
        found = self._predictor.predict_pixels(pixels)
        return Prediction(found.arrays(), pixels.statistics(), self._predictor.tile_overlap(pixels.shape))


class _Flows:
    def __init__(self, predictor: CellposePredictor) -> None:
        self._predictor, self.categories = predictor, predictor.categories

    def predict(self, image: Image | LargeImage) -> Arrays:
        return pack_scores(self._predictor.predict(image))

    def examine(self, image: Image | LargeImage) -> Prediction:
        return self.examine_at(image, None)

    def examine_at(self, image: Image | LargeImage, diameter_px: float | None) -> Prediction:
        diameter = self._predictor.choose_diameter(image, diameter_px)
        scores = self._predictor.predict_at(image, diameter)
        return Prediction(pack_scores(scores), self._predictor.statistics(image), None, diameter)


class _Whole:
    def __init__(self, predictor: BioimagePredictor) -> None:
        self._predictor, self.categories = predictor, predictor.categories

    def predict(self, image: Image | LargeImage) -> Arrays:
        return pack_scores(self._predictor.predict(image))

    def examine(self, image: Image | LargeImage) -> Prediction:
        return Prediction(self.predict(image), self._predictor.statistics(image), None)


class _Scaled:
    def __init__(self, predictor: InstansegPredictor) -> None:
        self._predictor, self.categories = predictor, predictor.categories

    def predict(self, image: Image | LargeImage) -> Arrays:
        return self.examine(image).arrays

    def examine(self, image: Image | LargeImage) -> Prediction:
        return self.examine_scaled(image, None)

    def examine_scaled(self, image: Image | LargeImage, pixel_um: float | None) -> Prediction:
        scores, known = pack_scores(self._predictor.predict(image, pixel_um)), self._predictor.known_pixel_um
        warning = f"{_NO_SCALE} {known:g} µm" if pixel_um is None and known > 0 else ""
        return Prediction(scores, self._predictor.statistics(image), None, warning=warning)


class _Maps:
    def __init__(self, predictor: SegmentationPredictor) -> None:
        self._predictor, self.categories = predictor, predictor.categories

    def predict(self, image: Image | LargeImage) -> Arrays:
        return self.examine(image).arrays

    def examine(self, image: Image | LargeImage) -> Prediction:
        return self.examine_at(image, None)

    def examine_at(self, image: Image | LargeImage, diameter_px: float | None) -> Prediction:
        pixels = self._predictor.open(image)
        seen, diameter = self._predictor.rescale(pixels, diameter_px)
        scores, overlap = self._predictor.predict_pixels(seen)
        return Prediction(pack_scores(scores), pixels.statistics(), _overlap_in(pixels, seen, overlap), diameter)

    def examine_blocks(self, image: Image | LargeImage, diameter_px: float | None) -> Prediction:
        pixels = self._predictor.open(image)
        seen, diameter = self._predictor.rescale(pixels, diameter_px)
        blocks = self._predictor.predict_blocks(seen)
        if blocks is None:
            return self.examine_at(image, diameter_px)
        overlap = _overlap_in(pixels, seen, blocks[1])
        return Prediction({}, pixels.statistics(), overlap, diameter, blocks=blocks[0])


def _overlap_in(pixels: PixelSource, seen: PixelSource, overlap: int | None) -> int | None:
    """Return by how many of an image's pixels tiles overlap that overlap by so many as the network sees it."""
    return None if overlap is None else round(overlap * pixels.shape[0] / seen.shape[0])


def pack_scores(scores: Sequence[Scores]) -> Arrays:
    """Return the scores of all categories as one mapping: ``0/probability`` is the first category's ``probability``."""
    return {f"{number}/{name}": np.asarray(a) for number, one in enumerate(scores) for name, a in one.items()}


def unpack_scores(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Scores, ...]:
    """Return the scores of each category from what `pack_scores` gave."""
    found: dict[int, Arrays] = {}
    for key, array in arrays.items():
        number, _, name = key.partition("/")
        found.setdefault(int(number), {})[name] = array
    return tuple(found[number] for number in sorted(found))
