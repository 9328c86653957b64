"""Nodes of the threshold optimisation."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import mean_diameter_px
from cell_pipelines.analysis.evaluation.map_thresholds import Candidates, count_at_thresholds, search
from cell_pipelines.analysis.evaluation.object_thresholds import Ranking, choose_ranked_thresholds, rankings
from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.analysis.evaluation.threshold_choice import COUNTS, ChoiceSettings, chosen_f1
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_objects, select_split
from cell_pipelines.imaging.resizing import resize_labels
from cell_pipelines.representations.base import Scores
from cell_pipelines.representations.rescaled import seen_size
from cell_pipelines.thresholds import Threshold, Thresholds
from cell_pipelines.typing import FloatArray
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters
from cell_pipelines.workflows.reading import read_cells, read_scores
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)

# Where nobody has drawn an area: the distance of Morelli et al. 2021.
_DEFAULT_DISTANCE_PX = 50.0


def choose_thresholds(
    truth: AnnotationSet, predictions: AnnotationSet, parameters: ThresholdParameters
) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the score from which each class's objects count, and the curves it was chosen on."""
    pairing, settings = pair(truth, predictions, parameters.split), _settings(truth, parameters)
    total, jobs = pairing.truth.n_images, rankings(pairing, settings)
    images = map_images(Ranking.run, jobs, description="matching", total=total, parallel=parameters.parallel)
    chosen, table = choose_ranked_thresholds(pairing.categories, images, settings, n_thresholds=parameters.n_thresholds)
    fixed = parameters.threshold
    return (chosen if fixed is None else dict.fromkeys(chosen, fixed)), table


def choose_map_thresholds(
    truth: AnnotationSet, scores: pd.DataFrame, folder: Path, checkpoint: Path, parameters: ThresholdParameters
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return how each class's score maps become cells, and what every threshold that was tried would give."""
    model, settings = TrainedModel.open(checkpoint), _settings(truth, parameters)
    defaults, chosen_on = model.thresholds.classes, select_split(truth, parameters.split)
    files = dict(zip(scores["image"], scores["file"], strict=True))

    def count(grids: Mapping[str, Sequence[Threshold]]) -> dict[str, FloatArray]:
        jobs: Iterator[_Sweep] = (_Sweep(one, folder / files[one.names[0]], model, grids, settings)
                                  for one in iterate_images(chosen_on))  # fmt: skip
        images = map_images(
            _Sweep.run, jobs, description="trying thresholds", total=chosen_on.n_images, parallel=parameters.parallel
        )
        counts = list(images)
        empty = {name: np.zeros((0, len(grid), len(COUNTS))) for name, grid in grids.items()}
        return {name: np.stack([one[name] for one in counts]) for name in grids} if counts else empty

    found = search({name: _candidates(one, model, parameters) for name, one in defaults.items()}, count, settings)
    chosen, fixed = {name: best for name, (best, _) in found.items()}, parameters.threshold
    if fixed is not None and model.is_scored:
        chosen = {name: replace(one, score=fixed) for name, one in defaults.items()}
    table = pd.concat([table.assign(category=name) for name, (_, table) in found.items()], ignore_index=True)
    _log_choice(table, chosen, chosen_on.n_images)
    return Thresholds(chosen, decoded=True).to_plain(), table


def _candidates(default: Threshold, model: TrainedModel, parameters: ThresholdParameters) -> Candidates:
    """Return what is tried of a class; without scores there is nothing to choose by."""
    if not model.is_scored:
        return Candidates(default, 0)
    return Candidates(default, parameters.n_thresholds, parameters.min_areas, parameters.min_distances)


def _log_choice(table: pd.DataFrame, chosen: Mapping[str, Threshold], images: int) -> None:
    """Say how sure the choice of each class is: which thresholds the images cannot tell from the best."""
    for name, rows in table.groupby("category", sort=False):
        best = chosen[str(name)]
        # At other sizes the best was another.
        sizes = rows[["min_area_px", "min_distance_px"]].to_numpy(dtype=np.float64)
        own = np.isclose(sizes, [best.min_area_px, best.min_distance_px]).all(axis=1)
        good = rows["threshold"].to_numpy(dtype=np.float64)[rows["equally_good"].to_numpy(dtype=np.bool_) & own]
        if len(rows) > 1 and len(good):
            logger.info(
                "%s: threshold %.3g; from %.3g to %.3g within one standard error of the best on %d %s.",
                name, best.score, good.min(), good.max(), images, "image" if images == 1 else "images",
            )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Sweep:
    """One image and all thresholds of all its classes."""

    truth: AnnotationSet
    path: Path
    model: TrainedModel
    grids: Mapping[str, Sequence[Threshold]]
    settings: ChoiceSettings

    def run(self) -> dict[str, FloatArray]:
        """Count the true positives and errors of each threshold, one array per class.

        Cells are matched at the scale at which the network saw the image, to which the truth is brought once.
        """
        found = read_scores(self.model, self.path).items()
        return {name: self._count(name, scores) for name, scores in found if name in self.grids}

    def _count(self, name: str, scores: Scores) -> FloatArray:
        record = self.truth.images.to_pylist()[0]
        size = (record["height"], record["width"])
        seen = seen_size(scores, size)
        labels, ignored, settings = self._labels(name), self._ignored(name), self.settings
        if seen != size:
            labels = resize_labels(labels, seen)
            ignored = None if ignored is None else resize_labels(ignored, seen)
            settings = replace(settings, max_distance_px=settings.max_distance_px * seen[0] / size[0])
        assert self.model.representation is not None
        return count_at_thresholds(
            self.model.representation, scores, labels, self.grids[name], settings, ignored=ignored
        )

    def _ignored(self, category: str) -> npt.NDArray[np.bool_] | None:
        """Return the ignored regions of a category; None without any."""
        number = self.truth.categories.index(category)
        crowd = self.truth.crowd & (self.truth.category == number)
        return objects_to_labels(select_objects(self.truth, crowd))[0] > 0 if crowd.any() else None

    def _labels(self, category: str) -> npt.NDArray[np.int32]:
        number = self.truth.categories.index(category)
        own = (self.truth.category == number) & ~self.truth.crowd
        return objects_to_labels(select_objects(self.truth, own))[0]


def _settings(truth: AnnotationSet, parameters: ThresholdParameters) -> ChoiceSettings:
    # Only of the images that thresholds are chosen on: sizes of test cells are none of a threshold's business.
    distance = parameters.max_distance_px or mean_diameter_px(select_split(truth, parameters.split))
    return ChoiceSettings(
        objective=parameters.objective,
        choice="argmax" if parameters.choice == "fixed" else parameters.choice,
        split=parameters.split,
        iou=parameters.iou,
        max_distance_px=_DEFAULT_DISTANCE_PX if np.isnan(distance) else distance,
    )


def summarise_validation(
    truth: AnnotationSet, table: pd.DataFrame, thresholds: dict[str, Any], parameters: ThresholdParameters
) -> dict[str, Any]:
    """Return how good a model was with its thresholds on the images they were chosen on, for its file."""
    settings = _settings(truth, parameters)
    cells = select_split(truth, parameters.split)
    named = [cells.categories.index(name) for name in set(table["category"]) & set(cells.categories)]
    missed = int((~cells.crowd & ~np.isin(cells.category, named)).sum())
    value = chosen_f1(table, Thresholds.from_plain(thresholds).classes, unpredicted=missed)
    by_overlap = parameters.objective == "f1_iou"
    return {
        "split": parameters.split,
        "objective": parameters.objective,
        "matching": f"IoU {settings.iou:g}" if by_overlap else f"centroids within {settings.max_distance_px:.1f} px",
        "f1": float(value) if np.isfinite(value) else None,
    }


def store_thresholds(
    checkpoint: Path, thresholds: dict[str, Any], count_interval: dict[str, Any], validation: dict[str, Any]
) -> bytes:
    """Return the model with its thresholds, the intervals of its counts and its validation inside."""
    facts = {"count_interval": count_interval, "validation": validation}
    return TrainedModel.open(checkpoint).store(Thresholds.from_plain(thresholds), **facts)


def decode_cells(
    scores: pd.DataFrame, folder: Path, checkpoint: Path, thresholds: dict[str, Any], parameters: ThresholdParameters
) -> AnnotationSet:
    """Return the cells of stored scores at the chosen thresholds."""
    model = TrainedModel.open(checkpoint).with_thresholds(Thresholds.from_plain(thresholds))
    return read_cells(scores, folder, model, parallel=parameters.parallel)


def plot_thresholds(table: pd.DataFrame, thresholds: dict[str, Any], parameters: ThresholdParameters) -> Any:
    """Return a figure of precision, recall, F1 and count errors over the threshold, with the chosen points."""
    from cell_pipelines.report.figures.panels import create_note
    from cell_pipelines.report.figures.thresholds import plot_threshold_sweep

    if len(table) == table["category"].nunique():
        return create_note(
            "No curve: the model gives cells without scores, so there is one threshold, which keeps all."
        )
    return plot_threshold_sweep(table, Thresholds.from_plain(thresholds).classes, objective=parameters.objective)
