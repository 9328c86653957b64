"""The job that counts cells, and its result, which is read again with other thresholds without the network."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.annotations.storage import read_parquet, write_parquet
from cell_pipelines.app.jobs import Job, JobStore
from cell_pipelines.app.models import keep_model, kept_model
from cell_pipelines.app.sentences import without_places
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_folder
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.workflows.count_result import CountResult
from cell_pipelines.workflows.counting import FoundCells, count_cells, find_cells
from cell_pipelines.workflows.image_sources import collect_images
from cell_pipelines.workflows.parameters.call_arguments import read_inference
from cell_pipelines.workflows.parameters.prediction import PredictionParameters
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.scoring import as_trained
from cell_pipelines.workflows.trained_model import TrainedModel

#: Folders and files of a job.
UPLOADS, SCORES, RESULTS, CELLS = "uploads", "scores", "results", "cells"
_SCORE_TABLE, _COUNTS = "scores.parquet", "counts.parquet"
_FAILURES = ["image", "error"]
# Tables of so many earlier thresholds are kept.
_MOST_RESULTS = 4
# Jobs whose tables stay in memory.
_MOST_OPEN = 4


class CountSettings(BaseModel):
    """Settings of a count.

    Attributes:
        model: As `api.count` takes it.
        diameter: As `api.count` takes it.
        channel: As `api.count` takes it.
        threshold: Least score of a cell; None for the model's own.
        min_area_px: Smaller cells don't count, in px² of the image.
        max_area_px: Larger cells don't count; None for no limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = "nuclei"
    diameter: float | str | None = None
    channel: str | int | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    min_area_px: Annotated[float, Field(ge=0)] = 0.0
    max_area_px: Annotated[float, Field(gt=0)] | None = None

    @property
    def is_own(self) -> bool:
        """Whether nothing but the model's own thresholds decides what counts."""
        return self.threshold is None and not self.min_area_px and self.max_area_px is None


def run_count(store: JobStore, job: Job) -> None:
    """Find and count the cells of a job's images; scores that are stored already are not made again."""
    from cell_pipelines.inference.predictor import networks_kept

    settings, folder = CountSettings.model_validate(job.settings), store.folder(job)
    model = keep_model(store, job, settings.model)
    images = collect_images(folder / UPLOADS, settings.channel)
    inference = read_inference(settings.diameter)
    parameters = PredictionParameters(confidence=settings.threshold)
    with networks_kept():
        found = find_cells(images, model, folder / SCORES, inference, parameters)
    sentences = [without_places(error, store.root) for error in found.scores["error"]]
    failures = found.failures.assign(error=[sentence for sentence in sentences if sentence])
    cells = _by_area(found.annotations, settings)
    _write(folder, FoundCells(cells, failures, found.scores.assign(error=sentences)), model, settings)


def check_diameter(model: TrainedModel, diameter: float | str | None) -> None:
    """Refuse a diameter before images are counted by it.

    Raises:
        MistakeError: It can't be understood, or the model has no use for it.
    """
    inference = read_inference(diameter)
    is_given = inference.diameter_px is not None or inference.diameter_um is not None
    if is_given and not model.record.get("cell_diameter_px"):
        raise MistakeError("this model sees images as they are, so a diameter tells it nothing; leave it empty.")


def recount(store: JobStore, job: Job, settings: CountSettings) -> Job:
    """Count a job's cells again by other thresholds from its stored scores, and keep the thresholds.

    Raises:
        MistakeError: The images have not been counted yet, or another model, diameter or channel is asked for.
    """
    counted = open_count(store, job)
    kept = {"model", "diameter", "channel"}
    if settings.model_dump(include=kept) != counted.settings.model_dump(include=kept):
        raise MistakeError("thresholds can be changed of what is counted; for another model or diameter count anew.")
    folder = store.folder(job)
    if not _result_folder(folder, settings).is_dir():
        found = FoundCells(counted.cells(settings), counted.failures, counted.scores)
        _write(folder, found, counted.model, settings)
    changed = store.change(job, settings=settings.model_dump())
    _forget_others(folder, settings)
    return changed


def _result_folder(folder: Path, settings: CountSettings) -> Path:
    """Return where the tables by these thresholds lie: each in its own folder, so that no reader sees two mixed."""
    return folder / RESULTS / hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16]


def _write(folder: Path, found: FoundCells, model: TrainedModel, settings: CountSettings) -> None:
    parameters = PredictionParameters(confidence=settings.threshold)
    # A filter by size is not what intervals and warnings were made for, no more than another threshold.
    table = count_cells(found, model, parameters, is_own=settings.is_own)
    with atomic_folder(_result_folder(folder, settings)) as temporary:
        found.scores.to_parquet(temporary / _SCORE_TABLE)
        table.to_parquet(temporary / _COUNTS)
        write_parquet(found.annotations, temporary / CELLS)


def _forget_others(folder: Path, settings: CountSettings) -> None:
    """Delete the tables of thresholds that were left long ago; they would be made again from the scores."""
    kept = _result_folder(folder, settings)
    others = [path for path in (folder / RESULTS).iterdir() if path != kept and not path.name.startswith(".")]
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[_MOST_RESULTS:]:
        shutil.rmtree(path, ignore_errors=True)


def _by_area(cells: AnnotationSet, settings: CountSettings) -> AnnotationSet:
    """Return the cells whose area lies within the limits; points have none and stay."""
    if not settings.min_area_px and settings.max_area_px is None:
        return cells
    areas = object_areas(cells)
    largest = np.inf if settings.max_area_px is None else settings.max_area_px
    return select_objects(cells, (areas == 0) | ((areas >= settings.min_area_px) & (areas <= largest)))


@dataclass(frozen=True)
class Count:
    """Counted images of a job.

    Attributes:
        folder: Of the job.
        settings: Those by which the tables were made.
        model: The model.
        scores: The table of stored scores.
    """

    folder: Path
    settings: CountSettings
    model: TrainedModel
    scores: pd.DataFrame

    @cached_property
    def images(self) -> Mapping[str, ImageFile]:
        """The images by name, as the model sees them."""
        return as_trained(dict(collect_images(self.folder / UPLOADS, self.settings.channel)), self.model)

    @property
    def failures(self) -> pd.DataFrame:
        """The images that can't be read: image and error."""
        return self.scores.loc[self.scores["error"] != "", _FAILURES].reset_index(drop=True)

    @property
    def names(self) -> list[str]:
        """Names of the images that were read, in the order of the table."""
        return list(self.scores.loc[self.scores["error"] == "", "image"])

    def result(self) -> CountResult:
        """Return the counts and cells, as `api.count` returns them."""
        return self._result

    @cached_property
    def _result(self) -> CountResult:
        place = _result_folder(self.folder, self.settings)
        return CountResult(pd.read_parquet(place / _COUNTS), read_parquet(place / CELLS), self.images, self.model)

    def cells(self, settings: CountSettings, image: str | None = None) -> AnnotationSet:
        """Return the cells by thresholds from the stored scores; the network does not run.

        Args:
            settings: The thresholds.
            image: Of this image only; None for all.
        """
        model = self.model.with_score(settings.threshold)
        scores = self.scores if image is None else self.scores[self.scores["image"] == image]
        return _by_area(model.accept(read_cells(scores, self.folder / SCORES, model)), settings)


def counted_total(store: JobStore, job: Job) -> int | None:
    """Return how many cells a job counted in all its images; None where it has not counted."""
    if job.kind != "count" or job.state != "done":
        return None
    path = _result_folder(store.folder(job), CountSettings.model_validate(job.settings)) / _COUNTS
    return _read_total(path) if path.is_file() else None


@lru_cache(maxsize=1000)
def _read_total(path: Path) -> int:
    """Return the sum of a table of counts, whose folder is that of its thresholds."""
    return int(pd.read_parquet(path, columns=["total"])["total"].sum())


def open_count(store: JobStore, job: Job) -> Count:
    """Return what a job counted.

    Raises:
        MistakeError: It has not been counted yet, or is no such job.
    """
    settings = CountSettings.model_validate(job.settings) if job.kind == "count" else None
    place = None if settings is None else _result_folder(store.folder(job), settings)
    if place is None or settings is None or not place.is_dir():
        raise MistakeError(f"the images of {job.title!r} have not been counted yet.")
    return _open(store.folder(job), settings, kept_model(store, job), place.stat().st_mtime_ns)


@lru_cache(maxsize=_MOST_OPEN)
def _open(folder: Path, settings: CountSettings, model: TrainedModel, _: int) -> Count:
    """Return a job's count by thresholds; what is written once is read once."""
    return Count(folder, settings, model, pd.read_parquet(_result_folder(folder, settings) / _SCORE_TABLE))
