"""Nodes of prediction."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from cell_pipelines.analysis.region_counts import RESERVED
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError
from cell_pipelines.report.page.html import Page
from cell_pipelines.workflows.count_page import report_counts
from cell_pipelines.workflows.counting import FoundCells, count_cells, find_cells
from cell_pipelines.workflows.drawing import draw_nothing, draw_pictures
from cell_pipelines.workflows.outputs import export_annotations
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.regions import count_regions, read_regions
from cell_pipelines.workflows.scoring import score_images
from cell_pipelines.workflows.trained_model import TrainedModel


def bring_in(name: str) -> Callable[[AnnotationSet], tuple[bytes, pd.DataFrame]]:
    """Return the node's function for another tool's model, such as ``stardist:/folder``."""

    def read_foreign_model(annotations: AnnotationSet) -> tuple[bytes, pd.DataFrame]:
        """Return the model file, whose cells are of the study's class, and the history of a training that isn't known.

        Raises:
            MistakeError: The study has several classes.
        """
        from cell_pipelines.models.foreign.names import import_foreign

        if len(annotations.categories) != 1:
            raise MistakeError(
                f"{name}: models of other tools find one kind of cell, but this study has "
                f"{len(annotations.categories)} classes ({', '.join(annotations.categories)})."
            )
        path = import_foreign(name, annotations.categories[0])
        return path.read_bytes(), pd.DataFrame({"epoch": [], "seconds": []})

    return read_foreign_model


def score_labelled(
    annotations: AnnotationSet,
    images: dict[str, ImageFile],
    checkpoint: Path,
    folder: Path,
    inference: InferenceParameters,
    thresholds: ThresholdParameters,
) -> pd.DataFrame:
    """Score validation and test images, or only those asked for, once for all thresholds; say where the scores lie."""
    splits = dict(zip(annotations.names, annotations.images["split"].to_pylist(), strict=True))
    wanted = {*thresholds.scored, thresholds.split}
    chosen = {name: images[name] for name, split in splits.items() if split in wanted}
    table = score_images(chosen, splits, TrainedModel.open(checkpoint), folder, inference)
    if (table["error"] != "").any():
        raise ImageFormatError("; ".join(table.loc[table["error"] != "", "error"]))
    return table


def collect_boxes(scores: pd.DataFrame, folder: Path, checkpoint: Path) -> AnnotationSet:
    """Return the boxes or masks of a detector's stored scores, those of low scores included."""
    return read_cells(scores, folder, TrainedModel.open(checkpoint))


def predict_new(
    images: dict[str, ImageFile],
    checkpoint: Path,
    folder: Path,
    inference: InferenceParameters,
    parameters: PredictionParameters,
) -> tuple[AnnotationSet, pd.DataFrame, pd.DataFrame]:
    """Find the cells of new images; return those above the threshold, the images that failed, and the scores' table."""
    found = find_cells(images, TrainedModel.open(checkpoint), folder, inference, parameters)
    return found.annotations, found.failures, found.scores


def count_new(
    annotations: AnnotationSet,
    failures: pd.DataFrame,
    scores: pd.DataFrame,
    checkpoint: Path,
    parameters: PredictionParameters,
) -> pd.DataFrame:
    """Return one row per image: counts by class, warnings, intervals, and the model and threshold they come from."""
    return count_cells(FoundCells(annotations, failures, scores), TrainedModel.open(checkpoint), parameters)


def report_new(
    counts: pd.DataFrame, annotations: AnnotationSet, images: dict[str, ImageFile], checkpoint: Path,
    parameters: PredictionParameters,
) -> tuple[Page, pd.DataFrame]:  # fmt: skip
    """Return a page with the counts of new images and what speaks against them, and one row per annotated region."""
    in_regions = None
    if parameters.regions is not None:
        source = Path(parameters.regions)
        in_regions = count_regions(annotations, read_regions(images, source, parameters.regions_format), source)
    page = report_counts(counts, annotations, images, TrainedModel.open(checkpoint), in_regions)
    return page, pd.DataFrame(columns=list(RESERVED)) if in_regions is None else in_regions.table


def export_cells(annotations: AnnotationSet, parameters: PredictionParameters) -> Callable[[Path], None]:
    """Return what writes the cells into a folder in the chosen format."""
    return partial(export_annotations, annotations, parameters.format)


def draw_cells(
    annotations: AnnotationSet, images: dict[str, ImageFile], parameters: PredictionParameters
) -> Callable[[Path], None]:
    """Return what fills a folder with the images and the cells drawn on them."""
    return partial(draw_pictures, annotations, images, parameters.parallel) if parameters.overlays else draw_nothing
