"""Sweep the threshold over stored scores: precision, recall and F1 at each.

Predictions are matched once an image (`matching.py`) at a low confidence; their scores and whether each is a
true positive, put together over all images, are everything a sweep needs. Matching is greedy in order of
descending score, so a prediction never changes what a surer one has taken: the matching of the predictions
with score >= c is the stored matching, restricted to them. No network and no matching has to run again to try
another confidence.
"""

from dataclasses import dataclass

import numpy as np

from cell_pipelines.metrics.checks import check_flags, check_scores
from cell_pipelines.metrics.ratios import f1, precision, recall
from cell_pipelines.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class ConfidenceCurve:
    """Counts at every confidence that makes a difference: the K distinct scores, highest first.

    Attributes:
        confidence: (K,) float64 in [0, 1], strictly descending. K is 0 when nothing was predicted.
        tp: (K,) int64, true positives among the predictions with score >= confidence.
        fp: (K,) int64, false positives among them.
        n_true: How many cells there are to find.
    """

    confidence: FloatArray
    tp: IntArray
    fp: IntArray
    n_true: int

    @property
    def fn(self) -> IntArray:
        """(K,) int64, cells that no prediction with score >= confidence found."""
        return self.n_true - self.tp

    @property
    def precision(self) -> FloatArray:
        """(K,) float64 in [0, 1]; never nan, as each confidence keeps a prediction."""
        return precision(self.tp, self.fp)

    @property
    def recall(self) -> FloatArray:
        """(K,) float64 in [0, 1], rising; nan throughout when there is nothing to find."""
        return recall(self.tp, self.fn)

    @property
    def f1(self) -> FloatArray:
        """(K,) float64 in [0, 1]; never nan, as each confidence keeps a prediction."""
        return f1(self.tp, self.fp, self.fn)

    def counts_at(self, confidence: float) -> tuple[int, int, int]:
        """Give tp, fp and fn when the predictions with score >= `confidence` are kept, for any confidence."""
        kept = int(np.count_nonzero(self.confidence >= confidence))
        if kept == 0:
            return 0, 0, self.n_true
        tp, fp = int(self.tp[kept - 1]), int(self.fp[kept - 1])
        return tp, fp, self.n_true - tp


def confidence_curve(scores: FloatArray, is_true_positive: BoolArray, n_true: int) -> ConfidenceCurve:
    """Count at every distinct score, from one sort.

    Args:
        scores: (N,) in [0, 1], of the predictions of all images together, in any order.
        is_true_positive: (N,) bool, whether each found a cell, as in `Matching.is_true_positive`.
        n_true: How many cells there are in all images, those without predictions included.

    Returns:
        The curve. Equal scores stand or fall together, so the order of the predictions makes no difference.

    Raises:
        ValueError: If more predictions found a cell than there are cells.

    Example:
        >>> curve = confidence_curve(np.array([0.9, 0.4, 0.6]), np.array([True, True, False]), 2)
        >>> curve.f1.round(2).tolist()
        [0.67, 0.5, 0.8]
    """
    scores = check_scores(scores, "scores", length=np.size(scores))
    is_true_positive = check_flags(is_true_positive, "is_true_positive", length=scores.size)
    found = int(np.count_nonzero(is_true_positive))
    if n_true < found:
        raise ValueError(f"`n_true` must be at least the {found} cells that were found, got {n_true}.")
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    last = np.flatnonzero(np.diff(descending, append=-1.0))  # the last prediction of each distinct score
    tp = np.cumsum(is_true_positive[order], dtype=np.int64)[last]
    return ConfidenceCurve(descending[last], tp, last + 1 - tp, int(n_true))


def best_f1_confidence(curve: ConfidenceCurve, *, default: float = 0.25) -> float:
    """Choose the confidence of the highest F1.

    F1 is a flight of steps: it is the same for every confidence between a score and the next lower one. The
    midpoint of the best step is chosen, so that a small change of the scores on new images does not cross its
    edge. Of equally good steps the one of highest confidence is taken, which keeps the fewest predictions.

    Args:
        curve: Counts at every distinct score.
        default: What to return when there is nothing to choose from: no predictions, or none that found a
            cell. 0.25 is what Ultralytics' ``predict`` uses.

    Returns:
        A confidence in [0, 1] whose kept predictions, score >= confidence, have the highest F1. The lowest
        score itself if keeping everything is best: nothing is known of predictions below it.
    """
    if not curve.tp.any():
        return default
    best = int(np.argmax(curve.f1))
    upper = float(curve.confidence[best])
    if best + 1 == curve.confidence.size:
        return upper
    lower = float(curve.confidence[best + 1])
    midpoint = (upper + lower) / 2
    return midpoint if midpoint > lower else upper  # two neighbouring floats have no midpoint
