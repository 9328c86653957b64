"""Nodes of the threshold optimisation."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import mean_diameter_px
from cell_pipelines.analysis.evaluation.decodings import count_decodings, decide, decoding_grid
from cell_pipelines.analysis.evaluation.object_thresholds import choose_cutoffs
from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.analysis.evaluation.threshold_choice import ChoiceSettings, chosen_f1
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_objects, select_split
from cell_pipelines.representations.base import Decoding
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters
from cell_pipelines.workflows.reading import read_cells

Decodings = dict[str, dict[str, float]]
# Where nobody has drawn an area: the distance of Morelli et al. 2021.
_DEFAULT_DISTANCE_PX = 50.0


def choose_thresholds(
    truth: AnnotationSet, predictions: AnnotationSet, parameters: ThresholdParameters
) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the score from which each class's objects count, and the curves it was chosen on."""
    chosen, table = choose_cutoffs(
        pair(truth, predictions, parameters.split), _settings(truth, parameters), n_cutoffs=parameters.cutoffs
    )
    fixed = parameters.cutoff
    return (chosen if fixed is None else dict.fromkeys(chosen, fixed)), table


def choose_decodings(
    truth: AnnotationSet, scores: pd.DataFrame, folder: Path, checkpoint: Path, parameters: ThresholdParameters
) -> tuple[Decodings, pd.DataFrame]:
    """Return how each class's scores become cells, and what every cut-off that was tried would give."""
    from cell_pipelines.inference.predictor import create_reader

    reader = create_reader(checkpoint)
    factors = {"min_areas": parameters.min_areas, "spacings": parameters.spacings}
    grids = tuple(decoding_grid(d, n_cutoffs=parameters.cutoffs, **factors) for d in reader.decodings)
    settings = _settings(truth, parameters)
    judged = select_split(truth, parameters.split)
    files = dict(zip(scores["image"], scores["file"], strict=True))
    jobs: Iterator[_Sweep] = (_Sweep(one, folder / files[one.names[0]], reader, grids, settings)
                              for one in iterate_images(judged))  # fmt: skip
    counts = map_images(
        _Sweep.run, jobs, description="trying cut-offs", total=judged.n_images, parallel=parameters.parallel
    )
    totals: list[Any] = [np.zeros(())] * len(grids)
    for image in counts:
        totals = [total + own for total, own in zip(totals, image, strict=True)]
    chosen, tables = {}, []
    for name, grid, total, default in zip(reader.categories, grids, totals, reader.decodings, strict=True):
        decoding, table = decide(grid, total, judged.n_images, settings, default=default)
        fixed = parameters.cutoff
        chosen[name] = asdict(decoding if fixed is None else replace(default, cutoff=fixed))
        tables.append(table.assign(category=name))
    return chosen, pd.concat(tables, ignore_index=True)


@dataclass(frozen=True, eq=False)
class _Sweep:
    """One image and all decodings of all its classes."""

    truth: AnnotationSet
    path: Path
    reader: Any
    grids: tuple[list[Decoding], ...]
    settings: ChoiceSettings

    def run(self) -> list[npt.NDArray[np.float64]]:
        """Count what each decoding finds, an array a class."""
        from cell_pipelines.inference.stored import read_arrays

        stored = self.reader.scores(read_arrays(self.path)[0])
        return [
            count_decodings(
                self.reader.representation, scores, self._labels(name), grid, self.settings, ignored=self._ignored(name)
            )
            for name, scores, grid in zip(self.reader.categories, stored, self.grids, strict=True)
        ]

    def _ignored(self, category: str) -> npt.NDArray[np.bool_] | None:
        """Return the regions of a category that stand for crowds; None without any."""
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
        choice="knee" if parameters.choice == "knee" else "argmax",
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
    value = chosen_f1(table, _as_decodings(thresholds), unpredicted=missed)
    by_overlap = parameters.objective == "f1_iou"
    return {
        "split": parameters.split,
        "objective": parameters.objective,
        "matching": f"IoU {settings.iou:g}" if by_overlap else f"centroids within {settings.max_distance_px:.1f} px",
        "f1": float(value) if np.isfinite(value) else None,
    }


def store_thresholds(
    checkpoint: Path, thresholds: dict[str, float], count_interval: dict[str, Any], validation: dict[str, Any]
) -> bytes:
    """Return the detector with its thresholds, the intervals of its counts and its validation inside."""
    from cell_pipelines.models.model_file import with_record

    record = {"thresholds": thresholds, "count_interval": count_interval, "validation": validation}
    return with_record(checkpoint, record)


def store_decodings(
    checkpoint: Path, thresholds: Decodings, count_interval: dict[str, Any], validation: dict[str, Any]
) -> bytes:
    """Return the network with its decodings, the intervals of its counts and its validation inside."""
    from cell_pipelines.models.model_file import with_record

    record = {"decoding": thresholds, "count_interval": count_interval, "validation": validation}
    return with_record(checkpoint, record)


def decode_cells(
    scores: pd.DataFrame, folder: Path, checkpoint: Path, thresholds: Decodings, parameters: ThresholdParameters
) -> AnnotationSet:
    """Return the cells of stored scores by the chosen decodings."""
    decodings = {name: Decoding(**value) for name, value in thresholds.items()}
    return read_cells(scores, folder, checkpoint, decodings=decodings, parallel=parameters.parallel)


def plot_thresholds(table: pd.DataFrame, thresholds: dict[str, Any], parameters: ThresholdParameters) -> Any:
    """Return a figure of precision, recall, F1 and count errors over the cut-off, with the chosen points."""
    from cell_pipelines.report.figures.thresholds import plot_threshold_sweep

    return plot_threshold_sweep(table, _as_decodings(thresholds), objective=parameters.objective)


def _as_decodings(thresholds: dict[str, Any]) -> dict[str, Decoding]:
    return {
        name: Decoding(**value) if isinstance(value, dict) else Decoding(value) for name, value in thresholds.items()
    }
