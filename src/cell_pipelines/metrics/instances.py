"""Match predicted cells to true cells in two label images of one image, and compute the metrics that follow.

Two label images become an `OverlapTable`, the only step that looks at pixels; matches at any IoU threshold,
the aggregated Jaccard index (`aggregated_jaccard.py`) and splits and merges (`segmentation_errors.py`) are
read from it. `InstanceCounts` of several images add up with ``+``; ratios are taken last.

TP / (TP + FP + FN) is called accuracy here, as StarDist does; Cellpose and the 2018 Data Science Bowl call it
average precision, which it is not (see `detection.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cell_pipelines.metrics.assignment import assign
from cell_pipelines.metrics.label_overlap import Labels, OverlapTable, overlap_table
from cell_pipelines.metrics.ratios import f1, iou, mean_matched_iou, panoptic_quality, precision, recall
from cell_pipelines.typing import FloatArray, IntArray

#: The ten IoU thresholds of COCO and of the cell benchmarks, 0.50 to 0.95.
IOU_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))


@dataclass(frozen=True, eq=False)
class InstanceCounts:
    """Matched and unmatched cells at each of T IoU thresholds, of one image or of several added up.

    Attributes:
        thresholds: (T,) float64 in (0, 1].
        tp: (T,) int64, predicted cells that match a true cell.
        fp: (T,) int64, predicted cells that match none.
        fn: (T,) int64, true cells that no prediction matches.
        iou_sum: (T,) float64, sum of the IoUs of the matched pairs.
    """

    thresholds: FloatArray
    tp: IntArray
    fp: IntArray
    fn: IntArray
    iou_sum: FloatArray

    @property
    def precision(self) -> FloatArray:
        """(T,) TP / (TP + FP); nan if nothing was predicted."""
        return precision(self.tp, self.fp)

    @property
    def recall(self) -> FloatArray:
        """(T,) TP / (TP + FN); nan if there are no cells."""
        return recall(self.tp, self.fn)

    @property
    def f1(self) -> FloatArray:
        """(T,) 2 TP / (2 TP + FP + FN); nan without cells and predictions."""
        return f1(self.tp, self.fp, self.fn)

    @property
    def accuracy(self) -> FloatArray:
        """(T,) TP / (TP + FP + FN); nan without cells and predictions."""
        return iou(self.tp, self.fp, self.fn)

    @property
    def panoptic_quality(self) -> FloatArray:
        """(T,) sum of matched IoUs / (TP + FP/2 + FN/2); nan without cells and predictions."""
        return panoptic_quality(self.iou_sum, self.tp, self.fp, self.fn)

    @property
    def mean_matched_iou(self) -> FloatArray:
        """(T,) mean IoU of the matched pairs, in [threshold, 1]; nan without a match."""
        return mean_matched_iou(self.iou_sum, self.tp)

    def at(self, threshold: float) -> "InstanceCounts":
        """Give the counts at one of the thresholds alone (T = 1)."""
        row = np.flatnonzero(np.isclose(self.thresholds, threshold, rtol=0, atol=1e-9))
        if row.size == 0:
            raise ValueError(f"`threshold` must be one of {self.thresholds.tolist()}, got {threshold}.")
        only = row[:1]
        return InstanceCounts(self.thresholds[only], self.tp[only], self.fp[only], self.fn[only], self.iou_sum[only])

    def __add__(self, other: "InstanceCounts") -> "InstanceCounts":
        """Add the counts of other images, taken at the same thresholds."""
        if not np.array_equal(self.thresholds, other.thresholds):
            raise ValueError(
                f"counts must be at the same thresholds to be added, got {self.thresholds.tolist()} "
                f"and {other.thresholds.tolist()}."
            )
        sums = (getattr(self, name) + getattr(other, name) for name in ("tp", "fp", "fn", "iou_sum"))
        return InstanceCounts(self.thresholds, *sums)


@dataclass(frozen=True, eq=False)
class InstancePairs:
    """Matched pairs at one IoU threshold, for drawing and for sorting cells by their outcome.

    Attributes:
        true_ids: (M,) int64, labels of the true cells that were found.
        predicted_ids: (M,) int64, label of the prediction that found each.
        iou: (M,) float64, their IoU.
        missed_ids: (FN,) int64, labels of the true cells that were not found.
        spurious_ids: (FP,) int64, labels of the predictions that found none.
    """

    true_ids: IntArray
    predicted_ids: IntArray
    iou: FloatArray
    missed_ids: IntArray
    spurious_ids: IntArray


def match_instances(
    true_labels: Labels, predicted_labels: Labels, *, thresholds: Sequence[float] = IOU_THRESHOLDS
) -> InstanceCounts:
    """Count matched cells of one image at several IoU thresholds.

    A true and a predicted cell may match if their IoU is at least the threshold. Matching is one-to-one: as
    many pairs as possible, and of all ways to do that the one of greatest total IoU. From a threshold above
    0.5 on there is only one way (Kirillov et al. 2019, arXiv:1801.00868). Counts equal those of
    ``stardist.matching.matching``, which compares in single precision, so that a threshold of
    0.6000000000000001, as ``numpy.arange`` makes it, is still reached by 3/5; so does this.

    Args:
        true_labels: (H, W) integer, 0 for background. Labels may have gaps; pixels of one label are one cell.
        predicted_labels: (H, W) integer, the same.
        thresholds: T smallest IoUs that count as a match, each in (0, 1].

    Returns:
        The counts. An image without cells and predictions has 0 everywhere.

    Example:
        >>> counts = match_instances(np.array([[1, 1, 2, 2]]), np.array([[1, 1, 1, 2]]), thresholds=(0.5, 0.75))
        >>> counts.tp.tolist(), counts.fp.tolist(), counts.fn.tolist()
        ([2, 0], [0, 2], [0, 2])
    """
    return match_overlaps(overlap_table(true_labels, predicted_labels), thresholds=thresholds)


def match_overlaps(table: OverlapTable, *, thresholds: Sequence[float] = IOU_THRESHOLDS) -> InstanceCounts:
    """Count matched cells, as `match_instances` does, from a table that is already there."""
    ious = table.iou
    matches = [ious[_matched(table, ious, threshold)] for threshold in thresholds]
    tp = np.array([match.size for match in matches], dtype=np.int64)
    return InstanceCounts(
        thresholds=np.array(thresholds, dtype=np.float64),
        tp=tp,
        fp=table.predicted_ids.size - tp,
        fn=table.true_ids.size - tp,
        iou_sum=np.array([match.sum() for match in matches], dtype=np.float64),
    )


def matched_pairs(table: OverlapTable, *, threshold: float = 0.5) -> InstancePairs:
    """Say which prediction found which cell, by the rule of `match_instances`.

    Args:
        table: What `overlap_table` gave.
        threshold: Smallest IoU that counts as a match, in (0, 1].

    Returns:
        The pairs in the order of the true labels, and the labels of all others.
    """
    ious = table.iou
    chosen = _matched(table, ious, threshold)
    true, predicted = table.true_index[chosen], table.predicted_index[chosen]
    return InstancePairs(
        true_ids=table.true_ids[true],
        predicted_ids=table.predicted_ids[predicted],
        iou=ious[chosen],
        missed_ids=np.delete(table.true_ids, true),
        spurious_ids=np.delete(table.predicted_ids, predicted),
    )


def _matched(table: OverlapTable, ious: FloatArray, threshold: float) -> IntArray:
    """Choose the rows of the table that are matches."""
    if not 0 < threshold <= 1:
        raise ValueError(f"`thresholds` must lie in (0, 1], got {threshold}.")
    possible = np.flatnonzero(ious.astype(np.float32) >= np.float32(threshold))
    return possible[assign(table.true_index[possible], table.predicted_index[possible], 1 - ious[possible])]
