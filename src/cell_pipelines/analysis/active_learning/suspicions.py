"""Rate how suspicious one model finds each label of one image, by kind of error, and list unlabelled cells."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from cell_pipelines.analysis.active_learning.evidence import Evidence, Labels, Texts
from cell_pipelines.analysis.active_learning.trust import FOUND_IOU, Trust
from cell_pipelines.typing import FloatArray, IntArray

# A prediction that overlaps no label by more, and lies in labels to no greater share, is a cell without a label.
_FREE_IOU: Final = 0.3
_FREE_SHARE: Final = 0.7
# Least overlap of a label and the prediction that is its cell, however badly drawn.
_SAME_PLACE: Final = 0.1
# So many spreads below the usual IoU an outline is as likely wrong as right.
_FAR_BELOW: Final = 4.0


@dataclass(frozen=True, eq=False)
class Suspicions:
    """Label errors that one model suspects in one image.

    Attributes:
        spurious: (L,) in [0, 1], the label stands where the model sees no cell.
        outline: (L,) in [0, 1], the model sees the cell, but of another shape or at another place.
        category: (L,) in [0, 1], the model sees a cell of another class.
        suggested: (L,) that class, or the label's own.
        partner: (L,) the prediction of each label, -1 where there is none.
        iou: (L,) its IoU with the label, 0 where there is none.
        pieces: (L,) how many predicted cells lie mostly in the label.
        free: (F,) predictions that no label accounts for, the surest first.
        confidence: (P,) how often such a prediction is right.
    """

    spurious: FloatArray
    outline: FloatArray
    category: FloatArray
    suggested: Texts
    partner: IntArray
    iou: FloatArray
    pieces: IntArray
    free: IntArray
    confidence: FloatArray


def find_suspicions(labels: Labels, evidence: Evidence, trust: Trust) -> Suspicions:
    """Return what a model finds wrong.

    * spurious: (1 - support) x the model's recall of the class, as one that misses many cells proves little;
    * outline: the prediction's confidence x 1 / (1 + exp(4 - z)), where z says by how many spreads the IoU lies below
      the one that the model's right outlines usually have; 0 for points;
    * category: confidence of the prediction of another class less that of one of the label's class, IoU at least 0.5.

    Ignored regions, and predictions that lie in them, are never suspicious.

    Args:
        labels: The labels of one image.
        evidence: What the model found there.
        trust: How far it can be trusted.
    """
    confidence = trust.confidences(evidence)
    partner, iou = _partners(labels, evidence)
    recalls = np.array([trust.recalls.get(name, 0.0) for name in labels.categories], dtype=np.float64)
    sure = np.append(confidence, 0.0)[partner]
    below = (trust.usual_iou - iou) / trust.iou_spread
    outline = sure * expit(below - _FAR_BELOW) * ~labels.is_point * (iou < trust.usual_iou)
    category, suggested = _classes(labels, evidence, confidence)
    spurious = (1 - evidence.support) * recalls * (partner < 0)
    kept = ~labels.crowd
    return Suspicions(
        spurious * kept, outline * kept, category * kept, suggested, partner, iou,
        _pieces(labels, evidence), _free(evidence, partner, confidence), confidence,
    )  # fmt: skip


def _partners(labels: Labels, evidence: Evidence) -> tuple[IntArray, FloatArray]:
    """Return the cell of each label, (L,): one to one by the greatest IoU, whatever its class."""
    pairs = evidence.overlaps
    cells = pairs.take(evidence.is_cell[pairs.second])
    chosen = cells.take(cells.matches(_SAME_PLACE))
    # What is the cell of one label is not the badly drawn one of its neighbour.
    partner, iou = np.full(len(labels), -1, dtype=np.int64), np.zeros(len(labels))
    partner[chosen.first], iou[chosen.first] = chosen.second, chosen.iou
    return partner, iou


def _classes(labels: Labels, evidence: Evidence, confidence: FloatArray) -> tuple[FloatArray, Texts]:
    pairs = evidence.overlaps
    near = pairs.take(pairs.iou >= FOUND_IOU)
    own = labels.categories[near.first] == evidence.categories[near.second]
    same = np.zeros(len(labels))
    np.maximum.at(same, near.first[own], confidence[near.second[own]])
    other, suggested = np.zeros(len(labels)), labels.categories.copy()
    differing = near.take(~own & evidence.is_cell[near.second])
    for place in np.argsort(confidence[differing.second], kind="stable").tolist():
        row, prediction = differing.first[place], differing.second[place]
        other[row], suggested[row] = confidence[prediction], evidence.categories[prediction]
    found = np.clip(other - same, 0, 1)
    return found, np.where(found > 0, suggested, labels.categories)


def _pieces(labels: Labels, evidence: Evidence) -> IntArray:
    pairs = evidence.overlaps
    inside = (pairs.second_share >= 0.5) & evidence.is_cell[pairs.second]
    return np.bincount(pairs.first[inside], minlength=len(labels)).astype(np.int64)


def _free(evidence: Evidence, partner: IntArray, confidence: FloatArray) -> IntArray:
    """Return the cells that no label accounts for, the surest first."""
    pairs = evidence.overlaps
    # A cell whose pieces are labelled one by one is no cell without a label.
    taken = np.bincount(pairs.second, pairs.second_share, len(evidence.scores)) > _FREE_SHARE
    taken[pairs.second[pairs.iou > _FREE_IOU]] = True
    taken[partner[partner >= 0]] = True
    rows = np.flatnonzero(evidence.is_cell & ~taken)
    return rows[np.lexsort([-evidence.scores[rows], -confidence[rows]])]
