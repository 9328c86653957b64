"""Count the pixels that every true cell shares with every predicted cell, in two label images of one image.

Neighbouring pixels mostly have the same pair of labels, so the images are first cut into runs of equal pairs
and then only the runs are counted: the work on pixels is two comparisons. Only pairs that share a pixel are
kept, so that an image with 70,000 cells needs no table of 70,000 x 70,000.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cell_pipelines.metrics.checks import check_labels
from cell_pipelines.typing import FloatArray, IntArray

Labels: TypeAlias = NDArray[np.integer]

_PIXELS_AT_ONCE = 1 << 20  # keeps the comparisons within the processor's cache


@dataclass(frozen=True, eq=False)
class OverlapTable:
    """The N true and M predicted cells of one image, and the K pairs of them that share a pixel.

    Attributes:
        true_ids: (N,) int64, ascending, labels of the true cells.
        predicted_ids: (M,) int64, ascending, labels of the predicted cells.
        true_areas: (N,) int64, pixels of each true cell.
        predicted_areas: (M,) int64, pixels of each predicted cell.
        true_index: (K,) int64 in [0, N), true cell of each pair; pairs are in the order of the true cells.
        predicted_index: (K,) int64 in [0, M), predicted cell of each pair.
        shared: (K,) int64, 1 or more, pixels that lie in both.
    """

    true_ids: IntArray
    predicted_ids: IntArray
    true_areas: IntArray
    predicted_areas: IntArray
    true_index: IntArray
    predicted_index: IntArray
    shared: IntArray

    @property
    def union(self) -> IntArray:
        """(K,) int64, pixels that lie in either cell of each pair."""
        return self.true_areas[self.true_index] + self.predicted_areas[self.predicted_index] - self.shared

    @property
    def iou(self) -> FloatArray:
        """(K,) float64 in (0, 1], intersection over union of each pair."""
        ratios: FloatArray = self.shared / self.union
        return ratios


def overlap_table(true_labels: Labels, predicted_labels: Labels) -> OverlapTable:
    """Count the pixels that cells of two label images share.

    Args:
        true_labels: (H, W) integer, 0 for background. Labels may have gaps and be as large as int64 allows.
        predicted_labels: (H, W) integer, the same.

    Returns:
        The table; empty where there are no cells.

    Raises:
        TypeError: If labels are not whole numbers.
        ValueError: If the two are not of one shape (H, W), or a label is negative.

    Example:
        >>> table = overlap_table(np.array([[1, 1, 7]]), np.array([[0, 3, 3]]))
        >>> table.true_ids.tolist(), table.predicted_ids.tolist(), table.shared.tolist()
        ([1, 7], [3], [1, 1])
    """
    true_labels = check_labels(true_labels, "true_labels")
    predicted_labels = check_labels(predicted_labels, "predicted_labels", shape=true_labels.shape)
    true, predicted, lengths = _runs(true_labels.ravel(), predicted_labels.ravel())
    true_ids, true_areas, true = number_cells(true, lengths)
    predicted_ids, predicted_areas, predicted = number_cells(predicted, lengths)
    both = np.flatnonzero((true >= 0) & (predicted >= 0))
    pairs = _sum_pairs(true[both], predicted[both], lengths[both], (true_ids.size, predicted_ids.size))
    return OverlapTable(true_ids, predicted_ids, true_areas, predicted_areas, *pairs)


def _runs(true: Labels, predicted: Labels) -> tuple[Labels, Labels, IntArray]:
    """Cut two flat label images where either changes: the labels and the length of each piece."""
    starts = [np.zeros(min(1, true.size), dtype=np.int64)]
    for first in range(0, true.size - 1, _PIXELS_AT_ONCE):
        here, after = (slice(first + shift, min(first + _PIXELS_AT_ONCE, true.size - 1) + shift) for shift in (0, 1))
        changes = true[after] != true[here]
        changes |= predicted[after] != predicted[here]
        starts.append(np.flatnonzero(changes) + (first + 1))
    start = np.concatenate(starts)
    return true[start], predicted[start], np.diff(start, append=true.size)


def number_cells(labels: Labels, areas: IntArray | None = None) -> tuple[IntArray, IntArray, IntArray]:
    """Number the cells of a list of labels from 0 upwards, leaving out labels that do not occur.

    Args:
        labels: (P,) integer, 0 for background, of pixels or of runs of pixels.
        areas: (P,) int64, how many pixels each stands for; None for 1 each.

    Returns:
        The labels of the N cells (N,), ascending, their areas (N,), and for each of the P its cell in [0, N), -1
        for background; all int64.
    """
    if labels.size and int(labels.max()) > 4 * labels.size + 1_000_000:  # too large to count up to
        values, places = np.unique(labels, return_inverse=True)
        ids = np.concatenate([[0], values[values > 0]]).astype(np.int64)
        places = places + int(values[0] > 0)
    else:
        ids, places = np.arange(int(labels.max(initial=0)) + 1, dtype=np.int64), labels.astype(np.int64)
    totals = np.bincount(places, weights=areas, minlength=ids.size).astype(np.int64)
    totals[0] = 0
    present = np.flatnonzero(totals)
    number = np.full(ids.size, -1, dtype=np.int64)
    number[present] = np.arange(present.size)
    return ids[present], totals[present], number[places]


def _sum_pairs(
    true: IntArray, predicted: IntArray, lengths: IntArray, shape: tuple[int, int]
) -> tuple[IntArray, IntArray, IntArray]:
    """Add up the runs of each pair: true cell, predicted cell and shared pixels, in the order of true cells."""
    from scipy.sparse import coo_array

    table = coo_array((lengths, (true, predicted)), shape=shape).tocsr().tocoo()
    rows, columns = (index.astype(np.int64) for index in table.coords)
    return rows, columns, table.data.astype(np.int64)
