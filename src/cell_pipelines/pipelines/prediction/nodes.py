"""Nodes of prediction."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.annotations.building import from_boxes
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.annotations.schema import IMAGE_SCHEMA, AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import SCENE_SUFFIXES, Image, ImageFile, ImageFormatError, write_image
from cell_pipelines.pipelines.partitions import load_ahead, map_images
from cell_pipelines.pipelines.prediction.parameters import InferenceParameters, PredictionParameters

logger = logging.getLogger(__name__)


def predict_labelled(
    annotations: AnnotationSet,
    images: dict[str, ImageFile],
    checkpoint: Path,
    folder: Path,
    parameters: InferenceParameters,
) -> AnnotationSet:
    """Find the cells of the validation and test images at a low confidence, once and for all thresholds."""
    splits = dict(zip(annotations.names, annotations.images["split"].to_pylist(), strict=True))
    chosen = {name: images[name] for name, split in splits.items() if split != "train"}
    found, errors = _predict(chosen, checkpoint, folder, parameters)
    if errors:
        raise ImageFormatError("; ".join(errors.values()))
    return found.with_image_column("split", [splits[name] for name in found.names])


def predict_new(
    images: dict[str, ImageFile],
    checkpoint: Path,
    folder: Path,
    inference: InferenceParameters,
    parameters: PredictionParameters,
) -> tuple[AnnotationSet, pd.DataFrame]:
    """Find the cells of new images; return those above the threshold, and the list of images that failed."""
    from cell_pipelines.models.yolo_checkpoint import read_record

    images = _as_trained(images, read_record(checkpoint))
    found, errors = _predict(images, checkpoint, folder, inference)
    if errors and (parameters.strict or len(errors) == len(images)):
        raise ImageFormatError("\n".join(errors.values()))
    thresholds = read_record(checkpoint).get("thresholds", {})
    if parameters.confidence is None and not thresholds:
        logger.warning("%s has no stored thresholds; 0.25 is used.", checkpoint)
    limits = [parameters.confidence or thresholds.get(name, 0.25) for name in found.categories]
    kept = select_objects(found, found.scores.astype(np.float64) >= np.array(limits)[found.category])
    return kept, pd.DataFrame(list(errors.items()), columns=["image", "error"])


def _as_trained(images: dict[str, ImageFile], record: dict[str, Any]) -> dict[str, ImageFile]:
    """Return the images with the channels and planes that the model learned from, where the catalog names none."""
    learned: dict[str, Any] = {"channels": tuple(record["channels"])} if record.get("channels") else {}
    if record.get("z") is not None:
        learned["z"] = record["z"]

    def as_trained(file: ImageFile) -> ImageFile:
        open_choices = {key: value for key, value in learned.items() if getattr(file.selection, key) is None}
        # A picture has neither channels to choose from nor planes.
        if not open_choices or file.path.suffix.lower() not in SCENE_SUFFIXES:
            return file
        return replace(file, selection=replace(file.selection, **open_choices))

    return {name: as_trained(file) for name, file in images.items()}


def _predict(
    images: dict[str, ImageFile], checkpoint: Path, folder: Path, parameters: InferenceParameters
) -> tuple[AnnotationSet, dict[str, str]]:
    """Predict what isn't stored yet, image by image, then put all together."""
    job = _Prediction(checkpoint, folder, parameters)
    loaded = load_ahead(job.load, images.items())
    results = map_images(job.run, loaded, description="finding cells", total=len(images))
    errors = {name: error for name, error in zip(images, results, strict=True) if error}
    return _collect([name for name in images if name not in errors], images, job), errors


class _Prediction:
    """A model at work on images, storing each one's result before the next."""

    def __init__(self, checkpoint: Path, folder: Path, parameters: InferenceParameters) -> None:
        from cell_pipelines.inference.detection import BoxPredictor
        from cell_pipelines.models.yolo_checkpoint import read_record

        values = parameters.model_dump()
        digest = hashlib.sha256(checkpoint.read_bytes())
        digest.update(json.dumps(values, sort_keys=True).encode())
        self._folder = folder / digest.hexdigest()[:16]
        normalisation = read_record(checkpoint).get("normalisation", "percentile")
        self._predictor = BoxPredictor(checkpoint, normalisation=normalisation, **values)
        self.categories = self._predictor.categories

    def path(self, name: str, file: ImageFile) -> Path:
        """Return where an image's result is stored; it changes with the image file."""
        key = hashlib.sha256(f"{name}\0{file.signature()}".encode()).hexdigest()
        return self._folder / f"{key[:32]}.npz"

    def load(self, named: tuple[str, ImageFile]) -> Image | ImageFormatError | None:
        """Read one image unless its result is stored; return what went wrong, if anything."""
        name, file = named
        if self.path(name, file).is_file():
            return None
        try:
            return file()
        except ImageFormatError as error:
            return error

    def run(self, loaded: tuple[tuple[str, ImageFile], Image | ImageFormatError | None]) -> str:
        """Predict one image and store the result; return what went wrong, if anything."""
        from cell_pipelines.inference.detection import DetectionLimitError
        from cell_pipelines.inference.stored import write_detections

        (name, file), image = loaded
        if image is None:
            return ""
        if isinstance(image, ImageFormatError):
            return str(image)
        try:
            write_detections(self._predictor.predict(image), image.shape[:2], self.path(name, file))
        except DetectionLimitError as error:
            raise DetectionLimitError(f"{name}: {error}") from error
        return ""


def _collect(names: list[str], images: dict[str, ImageFile], job: _Prediction) -> AnnotationSet:
    from cell_pipelines.inference.detection import Detections
    from cell_pipelines.inference.stored import read_detections

    stored = [read_detections(job.path(name, images[name])) for name in names]
    sizes = np.array([size for _, size in stored], dtype=np.int64).reshape(-1, 2)
    pixel_sizes = [images[name].info().pixel_size_um or (None, None) for name in names]
    columns = {
        "name": names, "width": sizes[:, 1], "height": sizes[:, 0],
        "pixel_height_um": pa.array([height for height, _ in pixel_sizes], pa.float64()),
        "pixel_width_um": pa.array([width for _, width in pixel_sizes], pa.float64()),
    }  # fmt: skip
    empty = {field.name: pa.nulls(len(names), field.type) for field in IMAGE_SCHEMA if field.name not in columns}
    table = pa.table({**columns, **empty})
    counts = [len(detections.scores) for detections, _ in stored]
    nothing = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    found = [detections for detections, _ in stored] or [nothing]
    return from_boxes(
        table,
        job.categories,
        np.repeat(np.arange(len(names)), counts),
        np.concatenate([f.boxes for f in found]).astype(np.float64),
        np.concatenate([f.categories for f in found]),
        np.concatenate([f.scores for f in found]),
    )


def count_cells(annotations: AnnotationSet, failures: pd.DataFrame, checkpoint: Path) -> pd.DataFrame:
    """Return a row an image with its counts by class, and with the model and threshold they come from."""
    from cell_pipelines.models.yolo_checkpoint import read_record

    record = read_record(checkpoint)
    table = pd.DataFrame(annotations.counts(), columns=list(annotations.categories))
    table.insert(0, "image", annotations.names)
    table["total"] = annotations.counts().sum(axis=1)
    for side in ("pixel_height_um", "pixel_width_um"):
        table[side] = annotations.images[side].to_pandas()
    table["error"] = ""
    table = pd.concat([table, failures], ignore_index=True) if len(failures) else table
    table["model_run_id"] = record.get("run_id")
    table["model_sha256"] = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    table["thresholds"] = json.dumps(record.get("thresholds", {}))
    return table


def export_cells(annotations: AnnotationSet, parameters: PredictionParameters) -> Callable[[Path], None]:
    """Return what writes the cells into a folder in the chosen format."""
    return partial(_write_cells, annotations, parameters.format)


def _write_cells(annotations: AnnotationSet, format: str, folder: Path) -> None:
    for finding in write_annotations(annotations, folder, format=format):
        logger.info("%s", finding.sentence())


def draw_cells(
    annotations: AnnotationSet, images: dict[str, ImageFile], parameters: PredictionParameters
) -> Callable[[Path], None]:
    """Return what fills a folder with the images and the cells drawn on them."""
    return partial(_write_overlays, annotations, images, parameters)


def _write_overlays(
    annotations: AnnotationSet, images: dict[str, ImageFile], parameters: PredictionParameters, folder: Path
) -> None:
    if not parameters.overlays:
        return
    jobs = _overlay_jobs(annotations, images, folder)
    total = annotations.n_images
    for _ in map_images(_OverlayJob.run, jobs, description="drawing", total=total, parallel=parameters.parallel):
        continue


def _overlay_jobs(annotations: AnnotationSet, images: dict[str, ImageFile], folder: Path) -> Iterator["_OverlayJob"]:
    order = np.argsort(annotations.image_index, kind="stable")
    starts = np.searchsorted(annotations.image_index[order], np.arange(annotations.n_images + 1))
    boxes, category = annotations.boxes, annotations.category
    for row, name in enumerate(annotations.names):
        rows = order[starts[row] : starts[row + 1]]
        target = folder / Path(name).with_suffix(".png")
        yield _OverlayJob(images[name], boxes[rows], category[rows], annotations.categories, target)


@dataclass(frozen=True, eq=False)
class _OverlayJob:
    """One image to be drawn on."""

    file: ImageFile
    boxes: Any
    category: Any
    names: tuple[str, ...]
    target: Path

    def run(self) -> None:
        """Draw and write."""
        from cell_pipelines.report.overlays import overlay_predictions

        write_image(
            overlay_predictions(to_rgb(to_uint8(self.file())), self.boxes, self.category, self.names), self.target
        )
