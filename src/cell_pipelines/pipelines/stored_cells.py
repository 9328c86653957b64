"""From stored scores to an `AnnotationSet`: boxes of detectors as they are, cells of networks as they are decoded."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.annotations.building import from_boxes, from_masks
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.schema import IMAGE_SCHEMA, AnnotationSet
from cell_pipelines.annotations.selection import concatenate
from cell_pipelines.pipelines.partitions import ParallelParameters, map_images
from cell_pipelines.representations.base import Decoding

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
        scores: The table of `prediction.scoring`.
        folder: Where the files that it names lie.
        checkpoint: The model that they come from.
        decodings: How each category's scores become cells; None as the model file says. Of detectors all boxes come.
        parallel: How the images are spread over processors.
    """
    rows = scores[scores["file"].notna()].replace({np.nan: None}).to_dict(orient="records")
    read, categories = _create_reader(checkpoint, decodings or {})
    if not rows:
        return AnnotationSet.empty(categories)
    jobs = [({str(key): value for key, value in row.items()}, folder / row["file"]) for row in rows]
    return concatenate(list(map_images(read, jobs, description="reading cells", total=len(rows), parallel=parallel)))


def _create_reader(checkpoint: Path, decodings: Mapping[str, Decoding]) -> tuple[Reader, tuple[str, ...]]:
    from cell_pipelines.inference.predictor import create_reader
    from cell_pipelines.models.model_file import model_family
    from cell_pipelines.models.yolo_checkpoint import read_categories

    if model_family(checkpoint) == "yolo":
        categories = read_categories(checkpoint)
        return partial(_read_boxes, categories), categories
    reader = create_reader(checkpoint).with_decodings(decodings)
    return partial(_decode, reader), reader.categories


def _image_table(row: Mapping[str, Any], size: tuple[int, int]) -> pa.Table:
    known = {field.name: row.get(field.name) for field in IMAGE_SCHEMA}
    return pa.Table.from_pylist(
        [{**known, "name": row["image"], "height": size[0], "width": size[1]}], schema=IMAGE_SCHEMA
    )


def _read_boxes(categories: tuple[str, ...], job: tuple[dict[str, Any], Path]) -> AnnotationSet:
    from cell_pipelines.inference.stored import read_detections

    row, path = job
    found, size = read_detections(path)
    index = np.zeros(len(found.scores), dtype=np.int64)
    boxes = found.boxes.astype(np.float64)
    return from_boxes(_image_table(row, size), categories, index, boxes, found.categories, found.scores)


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
