"""Nodes of the annotation export."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cell_pipelines.annotations.findings import to_table
from cell_pipelines.annotations.formats.registry import create_format, fit_annotations
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.pipelines.annotation_export.parameters import ExportParameters

logger = logging.getLogger(__name__)


def export_annotations(
    annotations: AnnotationSet, parameters: ExportParameters
) -> tuple[Callable[[Path], None], pd.DataFrame]:
    """Return what writes the annotations into a folder, and the list of what the format can't hold."""
    if parameters.confidence is not None:
        scores = annotations.scores
        annotations = select_objects(annotations, np.isnan(scores) | (scores >= parameters.confidence))
    fitted, findings = fit_annotations(annotations, parameters.format, parameters.geometries)
    for finding in findings:
        logger.info("%s", finding.sentence())
    logger.info("%s: %d of %d objects are written.", parameters.format, fitted.n_objects, annotations.n_objects)
    return partial(_write, fitted, parameters), to_table(findings)


def _write(fitted: AnnotationSet, parameters: ExportParameters, folder: Path) -> None:
    for finding in create_format(parameters.format).write(fitted, folder, **parameters.options):
        logger.warning("%s", finding.sentence())
