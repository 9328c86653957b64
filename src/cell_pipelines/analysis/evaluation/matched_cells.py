"""The true and predicted cells of one image as overlays and captions take them, matched as the tables are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.evaluation.class_pair import Side
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation, Kind
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.typing import BoolArray, FloatArray, LabelImage

# A point has no extent that could be seen.
_POINT_PX = 4.0


@dataclass(frozen=True, eq=False)
class MatchedCells:
    """One image's cells, all classes together, without ignored regions and what was predicted in them.

    Attributes:
        name: The image.
        kind: By what cells were matched.
        rule: The same in words, with the limit.
        true_boxes: (N, 4) in pixels, of the true cells.
        boxes: (M, 4) in pixels, of the predicted ones.
        matched: (N,) bool, whether each true cell was matched.
        correct: (M,) bool, whether each predicted cell matches one of its class.
        true_labels: (H, W) int32: 1 + the true cell's row; None where not both sides have masks.
        labels: (H, W) int32: 1 + the predicted cell's row; None likewise.
    """

    name: str
    kind: Kind
    rule: str
    true_boxes: FloatArray
    boxes: FloatArray
    matched: BoolArray
    correct: BoolArray
    true_labels: LabelImage | None
    labels: LabelImage | None

    @property
    def counts(self) -> tuple[int, int, int]:
        """True positives, false positives and false negatives, as the tables have them."""
        tp = int(np.count_nonzero(self.correct))
        return tp, len(self.correct) - tp, int(np.count_nonzero(~self.matched))


def match_cells(evaluation: ImageEvaluation, kind: Kind | None = None) -> MatchedCells:
    """Return the cells of an evaluated image, all classes together.

    Args:
        evaluation: The image.
        kind: By what cells are matched; None, or one that the objects don't allow, for masks, else boxes, else
            centroids.
    """
    kind, settings = evaluation.kind_or_default(kind), evaluation.settings
    flags, none = evaluation.matches(kind), np.zeros(0, np.bool_)
    true_sides = [cells.truth for cells in evaluation.classes]
    sides = [cells.predictions for cells in evaluation.classes]
    return MatchedCells(
        name=evaluation.name,
        kind=kind,
        rule=describe_rule(kind, settings),
        true_boxes=_boxes(true_sides, settings),
        boxes=_boxes(sides, settings),
        matched=np.concatenate([none, *(matched for matched, _ in flags)]),
        correct=np.concatenate([none, *(correct for _, correct in flags)]),
        true_labels=_stacked(true_sides, evaluation.pair.truth) if settings.masks else None,
        labels=_stacked(sides, evaluation.pair.truth) if settings.masks else None,
    )


def describe_rule(kind: Kind, settings: EvaluationSettings) -> str:
    """Return in words by what cells are matched."""
    if kind == "centroid":
        return f"by centroids within {settings.max_distance_px:g} px"
    return f"by {'masks' if kind == 'mask' else 'boxes'} at IoU {settings.iou:g}"


def _boxes(sides: Sequence[Side], settings: EvaluationSettings) -> npt.NDArray[np.float64]:
    boxes = np.concatenate([np.zeros((0, 4)), *(side.objects.boxes for side in sides)])
    return boxes if settings.boxes else boxes + np.array([-1, -1, 1, 1]) * _POINT_PX


def _stacked(sides: Sequence[Side], objects: AnnotationSet) -> LabelImage:
    """Lay the labels of all classes into one image, each numbered after the class before."""
    height, width = (int(objects.images[side][0].as_py()) for side in ("height", "width"))
    stacked: LabelImage = np.zeros((height, width), dtype=np.int32)
    before = 0
    for side in sides:
        free = (stacked == 0) & (side.labels > 0)
        stacked[free] = side.labels[free] + before
        before += side.objects.n_objects
    return stacked
