"""Estimate how far each model can be trusted, from the labels that are probably right: most of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.active_learning.calibration import Calibration, fit_calibration
from cell_pipelines.analysis.active_learning.evidence import Evidence, Labels
from cell_pipelines.typing import FloatArray

#: Least IoU of a label and a prediction of its class that are one cell.
FOUND_IOU: Final = 0.5
# Where a model found nothing, nothing is known of its outlines.
_UNKNOWN_IOU, _UNKNOWN_SPREAD = 0.8, 0.1
_LEAST_SPREAD: Final = 0.03


@dataclass(frozen=True, eq=False)
class Trust:
    """Reliability of one model.

    Attributes:
        calibrations: By class, how often predictions of a score are right.
        recalls: By class, the share of labels that it finds.
        usual_iou: Median IoU of the labels that it finds.
        iou_spread: How far these IoUs lie apart: 1.4826 times their median distance from the median, at least 0.03.
    """

    calibrations: Mapping[str, Calibration]
    recalls: Mapping[str, float]
    usual_iou: float
    iou_spread: float

    def confidences(self, evidence: Evidence) -> FloatArray:
        """Return for each prediction of an image how often such a one is right, (P,) in (0, 1)."""
        found = np.zeros(len(evidence.scores))
        for name, calibration in self.calibrations.items():
            own = evidence.categories == name
            found[own] = calibration.confidence(evidence.scores[own])
        return found


def learn_trust(images: Sequence[tuple[Labels, Evidence]], categories: Sequence[str]) -> Trust:
    """Learn how far a model can be trusted, from all images that it was asked about.

    Args:
        images: Labels and evidence of each image.
        categories: Classes of labels and predictions.
    """
    parts = [_matched(labels, evidence) for labels, evidence in images]
    scores = np.concatenate([np.empty(0), *(evidence.scores for _, evidence in images)])
    kinds = np.concatenate([np.empty(0, object), *(evidence.categories for _, evidence in images)])
    wanted = np.concatenate([np.empty(0, object), *(labels.categories[~labels.crowd] for labels, _ in images)])
    right = np.concatenate([np.empty(0, np.bool_), *(part[0] for part in parts)])
    hit = np.concatenate(
        [np.empty(0, np.bool_), *(part[1][~labels.crowd] for part, (labels, _) in zip(parts, images, strict=True))]
    )
    ious = np.concatenate([np.empty(0), *(part[2] for part in parts)])
    usual = float(np.median(ious)) if ious.size else _UNKNOWN_IOU
    spread = 1.4826 * float(np.median(np.abs(ious - usual))) if ious.size else _UNKNOWN_SPREAD
    return Trust(
        {name: fit_calibration(scores[kinds == name], right[kinds == name]) for name in categories},
        {name: float((hit[wanted == name].sum() + 0.5) / ((wanted == name).sum() + 1)) for name in categories},
        usual,
        max(spread, _LEAST_SPREAD),
    )


def _matched(labels: Labels, evidence: Evidence) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], FloatArray]:
    """Return which predictions are right, which labels are found by a cell, and the IoUs of those."""
    pairs = evidence.overlaps
    pairs = pairs.take(labels.categories[pairs.first] == evidence.categories[pairs.second])
    chosen = pairs.take(pairs.matches(FOUND_IOU))
    right, hit = np.zeros(len(evidence.scores), np.bool_), np.zeros(len(labels), np.bool_)
    right[chosen.second] = True
    sure = evidence.is_cell[chosen.second]
    hit[chosen.first[sure]] = True
    return right, hit, chosen.iou[sure]
