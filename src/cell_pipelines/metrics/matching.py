"""Match predicted boxes to true boxes, one to one in one image, greedily by score, as COCO does it.

Boxes go in, a `Matching` comes out: for every prediction the true box it found, or -1. Counts of a `Matching`
are summed over images and divided in `ratios.py`; its `is_true_positive` column feeds the sweep in
`thresholds.py`.

There are no crowd regions here: a prediction is right or wrong. Leave regions that were never annotated cell
by cell out of the image first, or use `detection.py`, which ignores predictions inside them.
"""

from dataclasses import dataclass

import numpy as np

from cell_pipelines.metrics.checks import check_boxes, check_scores
from cell_pipelines.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Matching:
    """The one-to-one assignment of predictions to true boxes in one image.

    Attributes:
        true_index: (N_predicted,) int64, row of the true box that each prediction found, -1 if it found none.
        iou: (N_predicted,) float64 in [0, 1], IoU with that true box, 0 if it found none.
        n_true: How many true boxes there are, found or not.
    """

    true_index: IntArray
    iou: FloatArray
    n_true: int

    @property
    def is_true_positive(self) -> BoolArray:
        """(N_predicted,) bool, True where the prediction found a true box."""
        return self.true_index >= 0

    @property
    def tp(self) -> int:
        """True positives: predictions that found a true box."""
        return int(np.count_nonzero(self.is_true_positive))

    @property
    def fp(self) -> int:
        """False positives: predictions that found none."""
        return self.true_index.size - self.tp

    @property
    def fn(self) -> int:
        """False negatives: true boxes that no prediction found."""
        return self.n_true - self.tp


def box_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Measure the intersection over union of every box in `a` with every box in `b`.

    IoU = area(a and b) / area(a or b) (Jaccard 1912). Boxes are continuous: a box from 0 to 10 is 10 pixels
    wide.

    Args:
        a: Boxes (N, 4), x_min, y_min, x_max, y_max in pixels. N may be 0.
        b: Boxes (M, 4), the same. M may be 0.

    Returns:
        IoU (N, M) float64 in [0, 1]. Boxes that only touch have 0, and so has a box without area, even with
        itself.
    """
    a, b = check_boxes(a, "a"), check_boxes(b, "b")
    intersection = _shared_length(a, b, 0)
    intersection *= _shared_length(a, b, 1)
    union = np.add.outer(_areas(a), _areas(b))
    union -= intersection
    return np.divide(intersection, union, out=intersection, where=intersection > 0)


def match_boxes(
    true_boxes: FloatArray, predicted_boxes: FloatArray, scores: FloatArray, *, iou_threshold: float = 0.5
) -> Matching:
    """Match the predictions of one image to its true boxes, the surest prediction first.

    Each prediction, in order of descending score, takes the true box of highest IoU among those still free,
    if that IoU reaches the threshold. This is the rule of COCO's ``evaluateImg`` (Lin et al. 2014,
    arXiv:1405.0312), ties included: of equal scores the earlier row goes first, of equal IoUs the later true
    box is taken.

    A prediction never changes what a surer one has taken, so the matching of only the predictions with score
    >= c is this matching, restricted to them. One matching an image therefore serves every confidence
    threshold.

    Args:
        true_boxes: (N_true, 4), x_min, y_min, x_max, y_max in pixels.
        predicted_boxes: (N_predicted, 4), the same.
        scores: (N_predicted,) in [0, 1].
        iou_threshold: Smallest IoU that counts as found, in (0, 1].

    Returns:
        The matching. With no predictions all true boxes are false negatives, with no true boxes all
        predictions are false positives. Needs 24 bytes for every pair of boxes while it runs.

    Example:
        >>> cells = np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
        >>> found = match_boxes(cells, cells[:1], np.array([0.9]))
        >>> found.tp, found.fp, found.fn
        (1, 0, 1)
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f"`iou_threshold` must lie in (0, 1], got {iou_threshold}.")
    true_boxes = check_boxes(true_boxes, "true_boxes")
    predicted_boxes = check_boxes(predicted_boxes, "predicted_boxes")
    scores = check_scores(scores, "scores", length=len(predicted_boxes))
    overlap = box_iou(predicted_boxes, true_boxes)
    true_index = _take_greedily(overlap, np.argsort(-scores, kind="stable"), iou_threshold)
    iou = np.zeros(len(scores))
    matched = np.flatnonzero(true_index >= 0)
    iou[matched] = overlap[matched, true_index[matched]]
    return Matching(true_index, iou, len(true_boxes))


def _areas(boxes: FloatArray) -> FloatArray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _shared_length(a: FloatArray, b: FloatArray, axis: int) -> FloatArray:
    """Length (N, M) that boxes share along x (0) or y (1); 0 where they lie apart."""
    shared = np.minimum.outer(a[:, axis + 2], b[:, axis + 2])
    shared -= np.maximum.outer(a[:, axis], b[:, axis])
    return np.maximum(shared, 0, out=shared)


def _take_greedily(overlap: FloatArray, order: IntArray, threshold: float) -> IntArray:
    """Let predictions choose in turn among the true boxes that are still free; the last of equals wins."""
    n_predicted, n_true = overlap.shape
    true_index = np.full(n_predicted, -1, dtype=np.int64)
    if n_true == 0:
        return true_index
    least = min(threshold, 1 - 1e-10)  # as in COCO: an IoU of 1 may come out a rounding error short
    free = np.ones(n_true, dtype=np.bool_)
    for prediction in order:
        available = np.where(free, overlap[prediction], -1.0)
        best = n_true - 1 - int(np.argmax(available[::-1]))
        if available[best] >= least:
            true_index[prediction] = best
            free[best] = False
    return true_index
