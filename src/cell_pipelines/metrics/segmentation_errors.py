"""Classify segmentation errors: split, merged, missed or spurious cells, from the overlaps of one image.

F1 says how many cells are wrong, not how; a split asks for another spacing of the seeds, a merge for better
borders, a missed cell for a lower threshold. The idea is that of deepcell-toolbox (Moen et al. 2019,
doi:10.1101/803205); the rule here is one sentence: **one cell lies in another if at least half of its pixels
do.**

* A true cell is *split* if two or more predictions lie in it.
* A prediction is a *merge* if two or more true cells lie in it.
* A true cell is *missed* if no prediction lies in it and it lies in no prediction.
* A prediction is *spurious* if no true cell lies in it and it lies in no true cell.

A cell that overlaps its prediction by less than half of either is therefore missed, and the prediction
spurious. The four leave out cells that are found but badly outlined.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cell_pipelines.metrics.label_overlap import OverlapTable
from cell_pipelines.typing import IntArray


class ErrorCounts(NamedTuple):
    """Numbers of each error, in one image or summed over many.

    Attributes:
        split: True cells that are split.
        merge: Predictions that merge cells.
        missed: True cells that are missed.
        spurious: Predictions that are spurious.
        n_true: All true cells.
        n_predicted: All predictions.
    """

    split: int
    merge: int
    missed: int
    spurious: int
    n_true: int
    n_predicted: int


@dataclass(frozen=True, eq=False)
class SegmentationErrors:
    """The cells of one image with which something is wrong, by label, ascending.

    Attributes:
        split_ids: (S,) int64, labels of true cells.
        merge_ids: (M,) int64, labels of predictions.
        missed_ids: (F,) int64, labels of true cells.
        spurious_ids: (P,) int64, labels of predictions.
        counts: How many of each.
    """

    split_ids: IntArray
    merge_ids: IntArray
    missed_ids: IntArray
    spurious_ids: IntArray
    counts: ErrorCounts


def find_segmentation_errors(table: OverlapTable) -> SegmentationErrors:
    """Find split, merged, missed and spurious cells.

    Args:
        table: What `overlap_table` gave for one image.

    Returns:
        The labels and counts of each; an exact half counts as lying in.

    Example:
        >>> from cell_pipelines.metrics.label_overlap import overlap_table
        >>> errors = find_segmentation_errors(overlap_table(np.array([[1, 1, 0, 2]]), np.array([[1, 2, 0, 0]])))
        >>> errors.split_ids.tolist(), errors.missed_ids.tolist()
        ([1], [2])
    """
    true, predicted = table.true_index, table.predicted_index
    predicted_lies_in_true = 2 * table.shared >= table.predicted_areas[predicted]
    true_lies_in_predicted = 2 * table.shared >= table.true_areas[true]
    pieces = np.bincount(true[predicted_lies_in_true], minlength=table.true_ids.size)
    swallowed = np.bincount(predicted[true_lies_in_predicted], minlength=table.predicted_ids.size)
    related = predicted_lies_in_true | true_lies_in_predicted
    split, merge = table.true_ids[pieces >= 2], table.predicted_ids[swallowed >= 2]
    missed, spurious = np.delete(table.true_ids, true[related]), np.delete(table.predicted_ids, predicted[related])
    sizes = (ids.size for ids in (split, merge, missed, spurious, table.true_ids, table.predicted_ids))
    return SegmentationErrors(split, merge, missed, spurious, ErrorCounts(*sizes))
