"""Choose the library that runs a network: the fastest that gives the same counts in calibration images."""

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.files import atomic_path
from cell_pipelines.imaging.reading import Image, ImageFile, ImageFormatError
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)

_PRECISE = {"engine": "pytorch", "precision": "float32"}
_OTHERS = (
    {"engine": "pytorch", "precision": "bfloat16"},
    {"engine": "onnxruntime", "precision": "float32"},
    {"engine": "openvino", "precision": "float32"},
    {"engine": "openvino", "precision": "bfloat16"},
)
# Engines are tried on a part of so many pixels a side of so many images.
_PART_PX, _MOST_IMAGES = 1024, 4
# Fewer pixels in all are counted sooner than engines are tried.
_LEAST_PIXELS = 1 << 25
_RUNS = 2
# Of PyTorch's time; what is not clearly faster is not worth another library.
_LEAST_GAIN = 0.9


@dataclass(frozen=True)
class _Trial:
    """Seconds for the parts of images, and the cells of each class in each."""

    seconds: float
    counts: tuple[int, ...]


def choose_engine(
    images: Mapping[str, ImageFile], model: TrainedModel, folder: Path, parameters: InferenceParameters
) -> InferenceParameters:
    """Return the parameters with an engine and a precision in place of ``auto``.

    What was chosen is kept beside the stored scores, so that work that goes on uses it again.

    Args:
        images: The images by name.
        model: The model with its thresholds.
        folder: Where scores are stored.
        parameters: Come back as they are where another engine than ``auto`` is named.
    """
    from cell_pipelines.inference.predictor import predictor_options

    if parameters.engine != "auto":
        return parameters
    if "engine" not in predictor_options(model.kind):
        return parameters.model_copy(update=_PRECISE)
    text = model.sha256 + parameters.model_dump_json()
    kept = folder / f"engine-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not kept.is_file():
        chosen = _choose(images, model, parameters)
        with atomic_path(kept) as temporary:
            temporary.write_text(json.dumps(chosen), encoding="utf-8")
    return parameters.model_copy(update=json.loads(kept.read_text(encoding="utf-8")))


def _choose(images: Mapping[str, ImageFile], model: TrainedModel, parameters: InferenceParameters) -> dict[str, str]:
    from cell_pipelines.inference.device import choose_device

    if choose_device(parameters.device).type != "cpu":
        logger.info("engine: PyTorch, on the GPU.")
        return _PRECISE
    if _count_pixels(images) < _LEAST_PIXELS:
        logger.info("engine: PyTorch; these images are counted sooner than other engines are tried.")
        return _PRECISE
    parts = list(islice(_parts(images), _MOST_IMAGES))
    reference = _try(parts, model, parameters, _PRECISE)
    if reference is None or not any(reference.counts):
        logger.info("engine: PyTorch; the first images (%d) have no cells whose counts could be compared.", len(parts))
        return _PRECISE
    return _fastest(parts, reference, model, parameters)


def _fastest(
    parts: Sequence[Image], reference: _Trial, model: TrainedModel, parameters: InferenceParameters
) -> dict[str, str]:
    best, best_seconds, said = _PRECISE, reference.seconds * _LEAST_GAIN, []
    for engine in _OTHERS:
        trial = _try(parts, model, parameters, engine)
        if trial is None:
            continue
        is_same = trial.counts == reference.counts
        said.append(f"{describe_engine(engine)} {trial.seconds:.2g} s" + ("" if is_same else ", other counts"))
        if is_same and trial.seconds < best_seconds:
            best, best_seconds = engine, trial.seconds
    logger.info(
        "engine: %s. Parts of %d images with %d cells take PyTorch in float32 %.2g s; %s.", describe_engine(best),
        len(parts), sum(reference.counts), reference.seconds, "; ".join(said) or "no other engine is installed",
    )  # fmt: skip
    return best


def _try(
    parts: Sequence[Image], model: TrainedModel, parameters: InferenceParameters, engine: Mapping[str, str]
) -> _Trial | None:
    """Return what an engine makes of parts of images; None where it can't be used here."""
    from cell_pipelines.inference.engines.export import ExportError
    from cell_pipelines.inference.predictor import create_predictor, predictor_options, unpack_scores
    from cell_pipelines.models.accelerators import processor_has_bfloat16

    if engine["precision"] == "bfloat16" and not processor_has_bfloat16():
        return None
    given = {**parameters.model_dump(), **engine}
    options = {key: value for key, value in given.items() if key in predictor_options(model.kind) and value is not None}
    try:
        predictor = create_predictor(model.path, **options)
    except (ExportError, ModuleNotFoundError, ValueError) as error:
        logger.debug("%s: %s", describe_engine(engine), error)
        return None
    seconds = []
    for _ in range(_RUNS):
        begin = time.perf_counter()
        predictions = [predictor.predict(part) for part in parts]
        seconds.append(time.perf_counter() - begin)
    assert model.representation is not None
    counts = [
        len(model.representation.decode(scores, model.thresholds.classes[category]).scores)
        for arrays in predictions
        for category, scores in zip(model.categories, unpack_scores(arrays), strict=True)
    ]
    return _Trial(min(seconds), tuple(counts))


def describe_engine(engine: Mapping[str, Any]) -> str:
    """Return an engine and its precision as tables show them.

    >>> describe_engine({"engine": "openvino", "precision": "bfloat16"})
    'openvino bfloat16'
    """
    return f"{engine['engine']} {engine['precision']}"


def _parts(images: Mapping[str, ImageFile]) -> Iterator[Image]:
    """Yield the central part of each image that can be read."""
    for file in images.values():
        try:
            info = file.info()
            height, width = min(info.height, _PART_PX), min(info.width, _PART_PX)
            part = file.region((info.height - height) // 2, (info.width - width) // 2, height, width)
        except ImageFormatError:
            continue
        yield np.ascontiguousarray(part)


def _count_pixels(images: Mapping[str, ImageFile]) -> int:
    """Return the pixels of all images, counted until there are enough."""
    total = 0
    for file in images.values():
        try:
            info = file.info()
        except ImageFormatError:
            continue
        total += info.height * info.width
        if total >= _LEAST_PIXELS:
            break
    return total
