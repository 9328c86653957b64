"""Nodes of the choice of the next images."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.analysis.active_learning.density import density, density_range
from cell_pipelines.analysis.active_learning.features import FEATURES
from cell_pipelines.analysis.active_learning.next_images import rank_images
from cell_pipelines.analysis.metadata import describe_images
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError
from cell_pipelines.metrics.choices import main_f1
from cell_pipelines.pipelines.next_images.measuring import Measuring, measurings
from cell_pipelines.pipelines.next_images.parameters import NextImagesParameters
from cell_pipelines.pipelines.next_images.views import VIEWS, turned_images
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.workflows.drawing import draw_pictures
from cell_pipelines.workflows.model_outputs import OutputReader
from cell_pipelines.workflows.outputs import export_annotations
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.scoring import COLUMNS, as_trained, score_images
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)


def score_new(models: tuple[str, ...]) -> Callable[..., pd.DataFrame]:
    """Return the node's function for these models."""

    def score(
        images: dict[str, ImageFile], folder: Path, inference: InferenceParameters, parameters: NextImagesParameters,
        *checkpoints: Path,
    ) -> pd.DataFrame:  # fmt: skip
        """Store each model's scores of each image, and, of a single model, of its views; say where they lie."""
        tables = []
        for model, checkpoint in zip(models, checkpoints, strict=True):
            trained = TrainedModel.open(checkpoint)
            seen = as_trained(images, trained)
            tables.append(score_images(seen, {}, trained, folder, inference).assign(model=model, view=-1))
            for view in range(parameters.views if len(models) == 1 else 0):
                turned = score_images(turned_images(seen, view), {}, trained, folder, inference)
                tables.append(turned.assign(model=model, view=view))
        table = pd.concat(tables, ignore_index=True)
        if (table.loc[table["view"] < 0, "error"] != "").all():
            raise ImageFormatError("no image could be read: " + "; ".join(sorted(set(table["error"]))))
        return table[["model", "view", *COLUMNS]]

    return score


def measure_images(models: tuple[str, ...]) -> Callable[..., pd.DataFrame]:
    """Return the node's function for these models."""

    def measure(
        scores: pd.DataFrame, images: dict[str, ImageFile], folder: Path, parameters: NextImagesParameters,
        *checkpoints: Path,
    ) -> pd.DataFrame:  # fmt: skip
        """Return one row per image: how far the models agree, how sure they are, how many cells there are."""
        pairs = zip(models, checkpoints, strict=True)
        readers = {model: OutputReader(TrainedModel.open(path), reach_px=parameters.reach_px) for model, path in pairs}
        jobs = measurings(scores, images, readers, folder, parameters.iou)
        rows = list(
            map_images(Measuring.run, jobs, description="comparing", total=len(images), parallel=parameters.parallel)
        )
        counts = [f"{name}_{model}" for model in models for name in ("cells", "uncertainty")]
        columns = ["image", "height", "width", "cells", "disagreement", "count_spread", *counts, *FEATURES, "error"]
        table = pd.DataFrame(rows, columns=columns)
        facts = describe_images(
            table["image"].tolist(), pattern=parameters.series_pattern, table=pd.DataFrame(), key="image"
        )
        return table.assign(series=facts["series"] if "series" in facts else pd.Series(None, table.index, dtype="str"))

    return measure


def rank(measured: pd.DataFrame, annotations: AnnotationSet, parameters: NextImagesParameters) -> pd.DataFrame:
    """Return one row per image, the one to annotate next first."""
    training = density_range(_densities(select_split(annotations, "train")))
    return rank_images(
        measured, training, weights=parameters.weights.model_dump(), diversity=parameters.diversity,
        same_series=parameters.same_series,
    )  # fmt: skip


def _densities(annotations: AnnotationSet) -> Any:
    counts = annotations.counts().sum(axis=1)
    return density(counts, annotations.images["height"].to_numpy(), annotations.images["width"].to_numpy())


def propose_cells(models: tuple[str, ...]) -> Callable[..., AnnotationSet]:
    """Return the node's function for these models."""

    def propose(
        table: pd.DataFrame, scores: pd.DataFrame, folder: Path, parameters: NextImagesParameters, *known: Any
    ) -> AnnotationSet:
        """Return the best model's cells in the first images, in their order; the model is named in the log."""
        evaluations, checkpoints = known[: len(models)], known[len(models) :]
        model = parameters.proposals_by or best_model(models, evaluations)
        if model not in models:
            raise ValueError(f"`proposals_by` must be one of {', '.join(models)}, got {model!r}.")
        logger.info("the proposals are the cells of %s.", model)
        trained = TrainedModel.open(checkpoints[models.index(model)])
        own = scores[(scores["model"] == model) & (scores["view"] < 0)].set_index("image", drop=False)
        first = [name for name in first_images(table, parameters.count) if not own.loc[name, "error"]]
        return trained.accept(read_cells(own.loc[first].drop(columns=["model", "view"]), folder, trained))

    return propose


def best_model(models: Sequence[str], evaluations: Sequence[pd.DataFrame]) -> str:
    """Return the model of the best F1 on test, of what all have; the first where none was evaluated."""
    evaluated = {model: table.iloc[-1] for model, table in zip(models, evaluations, strict=True) if len(table)}
    if not evaluated:
        return models[0]
    metric = main_f1(lambda name: all(pd.notna(row.get(name)) for row in evaluated.values()))
    return max(evaluated, key=lambda model: float(evaluated[model][metric]))


def first_images(table: pd.DataFrame, count: int) -> list[str]:
    """Return the names of the first images of a ranking."""
    return [str(name) for name in table.loc[table["rank"].notna(), "image"].head(count)]


def export_proposals(cells: AnnotationSet, parameters: NextImagesParameters) -> Callable[[Path], None]:
    """Return what writes the proposals into a folder, in the format that a person corrects them in."""
    return partial(export_annotations, cells, parameters.format)


def draw_proposals(
    cells: AnnotationSet, images: dict[str, ImageFile], parameters: NextImagesParameters
) -> Callable[[Path], None]:
    """Return what fills a folder with the first images and the cells proposed in them."""
    return partial(draw_pictures, cells, images, parameters.parallel)


def write_report(models: tuple[str, ...]) -> Callable[..., Page]:
    """Return the node's function for these models."""

    def write(
        table: pd.DataFrame, cells: AnnotationSet, images: dict[str, ImageFile], parameters: NextImagesParameters
    ) -> Page:
        """Return the page: the first images as a contact sheet, and the whole ranking."""
        from cell_pipelines.report.pages.next_images import next_images_cards, next_images_sections, proposal_sheet

        sheet = proposal_sheet(cells, lambda name: images[name](), table)
        views = len(VIEWS[: parameters.views]) if len(models) == 1 else 0
        sections = next_images_sections(table, sheet, models=models, views=views, parameters=parameters.model_dump())
        return embedded_page(parameters.title, next_images_cards(table, cells), sections)

    return write
