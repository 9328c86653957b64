"""Read the cells of stored scores: objects of detectors as they are, those of networks as their thresholds say."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.annotations.building import from_boxes, from_masks
from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals, interval_boxes
from cell_pipelines.annotations.schema import GEOMETRIES, IMAGE_SCHEMA, AnnotationSet
from cell_pipelines.annotations.selection import concatenate, select_objects
from cell_pipelines.representations.base import Scores
from cell_pipelines.typing import FloatArray
from cell_pipelines.workflows.decoding import decode_stored, unpack_stored
from cell_pipelines.workflows.parallel import ParallelParameters, map_images
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)

#: A row of the table of stored scores, and the file that it names.
StoredImage = tuple[Mapping[str, Any], Path]


def read_cells(
    scores: pd.DataFrame, folder: Path, model: TrainedModel, *, parallel: ParallelParameters | None = None
) -> AnnotationSet:
    """Return the cells of all images that have stored scores.

    Args:
        scores: The table of `score_images`.
        folder: Where the files that it names lie.
        model: The model that they come from, with the thresholds by which a network's cells are cut out. Of detectors
            all objects come, of any score, but for those whose mask has no pixel, which are counted in the log.
        parallel: How the images are spread over processors.
    """
    rows = scores[scores["file"].notna()].replace({np.nan: None}).to_dict(orient="records")
    if not rows:
        return AnnotationSet.empty(model.categories)
    jobs = [({str(key): value for key, value in row.items()}, folder / row["file"]) for row in rows]
    read = partial(read_image, model)
    cells = concatenate(map_images(read, jobs, description="reading cells", total=len(rows), parallel=parallel))
    return _without_empty_masks(cells)


def read_image(model: TrainedModel, stored: StoredImage) -> AnnotationSet:
    """Return the cells of one image's stored scores."""
    return _read_detected(model, stored) if model.representation is None else _decode(model, stored)


def read_scores(model: TrainedModel, path: Path) -> dict[str, Scores]:
    """Return a segmentation network's stored scores of one image, by class, at the scale at which it saw the image.

    Raises:
        ValueError: The file is damaged, or of another model.
    """
    return unpack_stored(model, path)[0]


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


def _read_detected(model: TrainedModel, stored: StoredImage) -> AnnotationSet:
    from cell_pipelines.inference.stored import read_detections

    row, path = stored
    detections, size = read_detections(path)
    images, index = _image_table(row, size), np.zeros(len(detections.scores), dtype=np.int64)
    columns = detections.categories, detections.scores
    if detections.masks is None:
        return from_boxes(images, model.categories, index, detections.boxes.astype(np.float64), *columns)
    masks = detections.masks
    counts = [masks.of(number) for number in range(len(masks))]
    return from_masks(images, model.categories, index, _mask_boxes(masks, size[0]), counts, *columns)


def _mask_boxes(masks: RunLengths, height: int) -> FloatArray:
    """Return the pixel edges around each mask, so that what is drawn, written and evaluated is one shape."""
    return interval_boxes(*all_run_lengths_to_intervals(masks), len(masks), height)


def _decode(model: TrainedModel, stored: StoredImage) -> AnnotationSet:
    row, path = stored
    size, cells = decode_stored(model, path)
    return from_masks(
        _image_table(row, size),
        model.categories,
        np.zeros(len(cells.category), dtype=np.int64),
        cells.boxes,
        cells.masks,
        cells.category,
        cells.scores if model.is_scored else None,
    )
