"""Choose how the score maps of a network become cells: many thresholds are tried on stored scores."""

from collections.abc import Sequence

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


def threshold_grid(
    default: Threshold,
    *,
    n_thresholds: int = 50,
    min_areas: Sequence[float] = (1.0,),
    distances: Sequence[float] = (1.0,),
) -> list[Threshold]:
    """Return the decodings to be tried, in the order in which `Representation.sweep` shares most of its work.

    Args:
        default: The decoding that fits the average cell; it is among those that are tried.
        n_thresholds: Number of thresholds, 1 or more: the midpoints of as many equal parts of [0, 1].
        min_areas: Least areas, as multiples of the default's.
        distances: Least distances of two centroids, likewise.

    Returns:
        Every combination once, by rising threshold, then minimum distance, then least area.

    Raises:
        ValueError: There is no threshold, or a multiple is negative.

    Example:
        >>> [one.score for one in threshold_grid(Threshold(0.5, 20.0), n_thresholds=4)]
        [0.125, 0.375, 0.5, 0.625, 0.875]
    """
    if n_thresholds < 1:
        raise ValueError(f"`n_thresholds` must be at least 1, got {n_thresholds}.")
    thresholds = {round((place + 0.5) / n_thresholds, 6) for place in range(n_thresholds)} | {default.score}
    areas = {default.min_area_px * factor for factor in (1.0, *min_areas)}
    gaps = {default.min_distance_px * factor for factor in (1.0, *distances)}
    return [Threshold(c, area, gap) for c in sorted(thresholds) for gap in sorted(gaps) for area in sorted(areas)]


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
    decodings: Sequence[Threshold], totals: FloatArray, n_images: int, settings: ChoiceSettings, *, default: Threshold
) -> tuple[Threshold, pd.DataFrame]:
    """Choose among decodings whose counts are already summed over images; as `choose_decoding` does."""
    table = tabulate(decodings, totals, n_images, settings.objective)
    row = choose_row(table, settings.objective, settings.choice)
    return (default if row is None else decodings[row]), table
