"""Nodes of the choice of cells."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.metadata import describe_images
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects, select_split
from cell_pipelines.pipelines.cell_selection.parameters import CellSelectionParameters
from cell_pipelines.pipelines.origins import Origin


def take_truth(annotations: AnnotationSet) -> tuple[AnnotationSet, Origin]:
    """Return the annotated cells, and where they come from; regions that stand for crowds are no cells."""
    return select_objects(annotations, ~annotations.crowd), Origin("truth", data_sha256=annotations.fingerprint())


def take_predictions(
    predictions: AnnotationSet, model: Path, parameters: CellSelectionParameters
) -> tuple[AnnotationSet, Origin]:
    """Return the cells that a model accepts by the thresholds in its file, and where they come from."""
    origin, record = _describe(model.stem, model)
    chosen = select_split(predictions, parameters.split) if parameters.split else predictions
    # Networks' cells were cut out at their thresholds; detectors keep boxes of lower scores.
    thresholds = record.get("thresholds") or {}
    limits = np.array([thresholds.get(name, 0.0) for name in chosen.categories], dtype=np.float64)
    return select_objects(chosen, chosen.scores.astype(np.float64) >= limits[chosen.category]), origin


def take_new(predictions: AnnotationSet, model: Path) -> tuple[AnnotationSet, Origin]:
    """Return the cells that `prediction` found in new images, which are accepted ones, and where they come from."""
    return predictions, _describe("new", model)[0]


def _describe(source: str, model: Path) -> tuple[Origin, dict[str, Any]]:
    from cell_pipelines.models.model_file import read_record

    record = read_record(model)
    origin = Origin(
        source,
        model_run_id=record.get("run_id"),
        model_sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        thresholds=json.dumps(record.get("decoding") or record.get("thresholds") or {}, sort_keys=True),
        data_sha256=record.get("data_sha256"),
    )
    return origin, record


def know_images(cells: AnnotationSet, table: pd.DataFrame, parameters: CellSelectionParameters) -> pd.DataFrame:
    """Return a row an image with what its name and the table say of it."""
    metadata = parameters.metadata
    facts = describe_images(cells.names, pattern=metadata.pattern, table=table, key=metadata.key)
    known: pd.DataFrame = cells.images.select(["split", "pixel_height_um", "pixel_width_um"]).to_pandas()
    return pd.concat([facts, known.drop(columns=[name for name in known if name in facts])], axis=1)
