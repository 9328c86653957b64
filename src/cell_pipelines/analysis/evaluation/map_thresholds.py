"""Choose how the score maps of a network become cells: thresholds and sizes are tried on stored scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import without_ignored
from cell_pipelines.analysis.evaluation.threshold_choice import COUNTS, ChoiceSettings, choose_row, tabulate
from cell_pipelines.metrics.centroids import label_centroids, match_centroids
from cell_pipelines.metrics.instances import match_instances
from cell_pipelines.representations.base import Representation, Scores
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import FloatArray, LabelImage


@dataclass(frozen=True)
class Candidates:
    """Thresholds and sizes that are tried for the cells of one class.

    Attributes:
        default: What fits the average cell; it is tried, too.
        n_thresholds: Number of thresholds besides, the midpoints of as many equal parts of [0, 1]; 0 for none.
        min_areas: Least areas, as multiples of the default's.
        min_distances: Least distances of two centroids, likewise.

    Raises:
        ValueError: `n_thresholds` is negative.
    """

    default: Threshold
    n_thresholds: int = 50
    min_areas: Sequence[float] = (1.0,)
    min_distances: Sequence[float] = (1.0,)

    def __post_init__(self) -> None:
        if self.n_thresholds < 0:
            raise ValueError(f"`n_thresholds` must be 0 or more, got {self.n_thresholds}.")

    def thresholds_at(self, sizes: Threshold) -> list[Threshold]:
        """Return every threshold once, rising, with these sizes.

        Example:
            >>> [one.score for one in Candidates(Threshold(0.5, 20.0), 4).thresholds_at(Threshold(0.5, 20.0))]
            [0.125, 0.375, 0.5, 0.625, 0.875]
        """
        scores = {round((place + 0.5) / self.n_thresholds, 6) for place in range(self.n_thresholds)}
        return [replace(sizes, score=score) for score in sorted(scores | {self.default.score})]

    def sizes_at(self, score: float) -> list[Threshold]:
        """Return every pair of sizes once, with this threshold, in the order in which `sweep` shares most work."""
        areas = {self.default.min_area_px * factor for factor in (1.0, *self.min_areas)}
        gaps = {self.default.min_distance_px * factor for factor in (1.0, *self.min_distances)}
        return [Threshold(score, area, gap) for gap in sorted(gaps) for area in sorted(areas)]


#: Counts the candidates of every class in all images: (I, D, 5) for each class, in the order of the images.
Count = Callable[[Mapping[str, Sequence[Threshold]]], Mapping[str, FloatArray]]


def search(
    candidates: Mapping[str, Candidates], count: Count, settings: ChoiceSettings
) -> dict[str, tuple[Threshold, pd.DataFrame]]:
    """Choose threshold and sizes of each class, one after the other.

    The threshold is chosen at the default sizes, then the sizes at this threshold, and, where these are not the
    default, the threshold once more at them. All combinations would take many times as long, and few images
    would choose worse among so many.

    Args:
        candidates: Of each class.
        count: Counts what candidates give in all images; asked at most three times.
        settings: By what and how.

    Returns:
        For each class what was chosen, and `tabulate`'s rows of all that was tried.
    """
    chosen = {name: one.default for name, one in candidates.items()}
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in candidates}

    def choose_among(grids: Mapping[str, list[Threshold]]) -> None:
        for name, counts in count(grids).items():
            chosen[name], table = decide(grids[name], counts, settings, default=chosen[name])
            tables[name].append(table)

    choose_among({name: one.thresholds_at(one.default) for name, one in candidates.items()})
    sizes = {name: one.sizes_at(chosen[name].score) for name, one in candidates.items()}
    several = {name: grid for name, grid in sizes.items() if len(grid) > 1}
    if several:
        choose_among(several)
    moved = {name: one for name, one in candidates.items() if _sizes(chosen[name]) != _sizes(one.default)}
    if moved:
        choose_among({name: one.thresholds_at(chosen[name]) for name, one in moved.items()})
    return {name: (chosen[name], _join(tables[name])) for name in candidates}


def _sizes(threshold: Threshold) -> tuple[float, float]:
    return threshold.min_area_px, threshold.min_distance_px


def _join(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return each candidate once, as it stood where it was last chosen among others."""
    columns = ["min_distance_px", "min_area_px", "threshold"]
    every = pd.concat(tables, ignore_index=True).drop_duplicates(columns, keep="last")
    return every.sort_values(columns, kind="stable", ignore_index=True)


def count_at_thresholds(
    representation: Representation,
    scores: Scores,
    true_labels: LabelImage,
    decodings: Sequence[Threshold],
    settings: ChoiceSettings,
    *,
    ignored: npt.NDArray[np.bool_] | None = None,
) -> FloatArray:
    """Count what each decoding finds in one image.

    Cells are found by overlap of masks for the objective ``f1_iou``, else by their centroids.

    Args:
        representation: What the network was trained on.
        scores: Stored scores of the image and category.
        true_labels: (H, W) int32, the true cells.
        decodings: D of them.
        settings: The objective, and what counts as found.
        ignored: (H, W) bool, ignored regions of the category; cells in them are neither right nor wrong.

    Returns:
        (D, 5) float64 in the order of `threshold_choice.COUNTS`, to be summed over images.
    """
    _, true_centroids = label_centroids(true_labels)
    n_true = len(true_centroids)
    rows = []
    for instances in representation.sweep(scores, decodings):
        labels = instances.labels if ignored is None else without_ignored(instances.labels, ignored, true_labels)
        if settings.objective == "f1_iou":
            counts = match_instances(true_labels, labels, thresholds=(settings.iou,))
            tp, n_found = int(counts.tp[0]), int(counts.tp[0] + counts.fp[0])
        else:
            _, found = label_centroids(labels)
            tp = match_centroids(true_centroids, found, max_distance=settings.max_distance_px).tp
            n_found = len(found)
        rows.append((tp, n_found - tp, n_true - tp, n_found - n_true, abs(n_found - n_true)))
    return np.array(rows, dtype=np.float64).reshape(-1, len(COUNTS))


def decide(
    decodings: Sequence[Threshold], counts: FloatArray, settings: ChoiceSettings, *, default: Threshold
) -> tuple[Threshold, pd.DataFrame]:
    """Choose among decodings.

    Args:
        decodings: D of them.
        counts: (I, D, 5), what each gives in each image, in the order of `threshold_choice.COUNTS`.
        settings: By what and how.
        default: What is taken where nothing can be chosen by, and of equally good ones the nearest to it.

    Returns:
        What was chosen, and the table of `tabulate`.
    """
    table = tabulate(decodings, counts, settings.objective)
    row = choose_row(table, settings.objective, settings.choice, default)
    return (default if row is None else decodings[row]), table
