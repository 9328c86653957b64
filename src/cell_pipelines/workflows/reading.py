"""From stored scores to an `AnnotationSet`: objects of detectors as they are, cells of networks as they are decoded."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from cell_pipelines.annotations.building import from_boxes, from_masks
from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals, interval_boxes
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.schema import GEOMETRIES, IMAGE_SCHEMA, AnnotationSet
from cell_pipelines.annotations.selection import concatenate, select_objects
from cell_pipelines.representations.base import Decoding
from cell_pipelines.workflows.parallel import ParallelParameters, map_images

logger = logging.getLogger(__name__)

Reader = Callable[[tuple[dict[str, Any], Path]], AnnotationSet]


def read_cells(
    scores: pd.DataFrame,
    folder: Path,
    checkpoint: Path,
    *,
    decodings: Mapping[str, Decoding] | None = None,
    parallel: ParallelParameters | None = None,
) -> AnnotationSet:
    """Return the cells of all images that have stored scores.

    Args:
        scores: The table of `image_scoring`.
        folder: Where the files that it names lie.
        checkpoint: The model that they come from.
        decodings: How each category's scores become cells; None as the model file says. Of detectors all objects come
            but for those whose mask has no pixel, which are counted in the log.
        parallel: How the images are spread over processors.
    """
    rows = scores[scores["file"].notna()].replace({np.nan: None}).to_dict(orient="records")
    read, categories = cell_reader(checkpoint, decodings or {})
    if not rows:
        return AnnotationSet.empty(categories)
    jobs = [({str(key): value for key, value in row.items()}, folder / row["file"]) for row in rows]
    cells = concatenate(list(map_images(read, jobs, description="reading cells", total=len(rows), parallel=parallel)))
    return _without_empty_masks(cells)


def cell_reader(checkpoint: Path, decodings: Mapping[str, Decoding]) -> tuple[Reader, tuple[str, ...]]:
    """Return what reads the cells of one image's stored scores, and the model's classes."""
    from cell_pipelines.inference.predictor import create_reader
    from cell_pipelines.models.model_file import model_family
    from cell_pipelines.models.yolo_checkpoint import read_categories

    if model_family(checkpoint) == "yolo":
        categories = read_categories(checkpoint)
        return partial(_read_detected, categories), categories
    reader = create_reader(checkpoint).with_decodings(decodings)
    return partial(_decode, reader), reader.categories


def _without_empty_masks(cells: AnnotationSet) -> AnnotationSet:
    """Leave out what has a box and a score, but not one pixel of a mask: it can be neither measured nor drawn."""
    drawn = cells.objects["geometry"].to_numpy() == GEOMETRIES.index("mask")
    empty = drawn & (object_areas(cells) == 0)
    if not empty.any():
        return cells
    best = float(cells.scores[empty].max())
    text = "%d of %d objects have a box but no pixel of a mask and are left out; the best of them has the score %.3f."
    logger.warning(text, int(empty.sum()), cells.n_objects, best)
    return select_objects(cells, ~empty)


def _image_table(row: Mapping[str, Any], size: tuple[int, int]) -> pa.Table:
    known = {field.name: row.get(field.name) for field in IMAGE_SCHEMA}
    return pa.Table.from_pylist(
        [{**known, "name": row["image"], "height": size[0], "width": size[1]}], schema=IMAGE_SCHEMA
    )


def _read_detected(categories: tuple[str, ...], job: tuple[dict[str, Any], Path]) -> AnnotationSet:
    from cell_pipelines.inference.stored import read_detections

    row, path = job
    found, size = read_detections(path)
    images, index = _image_table(row, size), np.zeros(len(found.scores), dtype=np.int64)
    if found.masks is None:
        boxes = found.boxes.astype(np.float64)
        return from_boxes(images, categories, index, boxes, found.categories, found.scores)
    masks = found.masks
    counts = [masks.of(number) for number in range(len(masks))]
    boxes = _mask_boxes(masks, size[0])
    return from_masks(images, categories, index, boxes, counts, found.categories, found.scores)


def _mask_boxes(masks: RunLengths, height: int) -> npt.NDArray[np.float64]:
    """Return the pixel edges around each mask, so that what is drawn, written and judged is one shape."""
    return interval_boxes(*all_run_lengths_to_intervals(masks), len(masks), height)


def _decode(reader: Any, job: tuple[dict[str, Any], Path]) -> AnnotationSet:
    from cell_pipelines.inference.stored import read_arrays

    row, path = job
    arrays, size = read_arrays(path)
    found = [(labels_to_objects(one.labels), one.scores) for one in reader.read(arrays)]
    numbers = np.repeat(np.arange(len(found)), [len(scores) for _, scores in found])
    return from_masks(
        _image_table(row, size),
        reader.categories,
        np.zeros(len(numbers), dtype=np.int64),
        np.concatenate([boxes for (_, boxes, _), _ in found]),
        [counts for (_, _, runs), _ in found for counts in runs],
        numbers,
        np.concatenate([scores for _, scores in found]),
    )
