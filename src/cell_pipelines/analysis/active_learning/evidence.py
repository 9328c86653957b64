"""Gather models' evidence about the labels of one image, kept without pixels until all images have been read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.active_learning.overlaps import Overlaps, find_overlaps, with_extent
from cell_pipelines.analysis.active_learning.probabilities import to_probabilities
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.typing import BoolArray, FloatArray

Texts = npt.NDArray[np.object_]

# A prediction that covers less of a label, and is covered less by it, is no support for it.
_SUPPORT_IOU, _SUPPORT_SHARE = 0.1, 0.5
# Side of the square that stands for a point where no prediction tells how large cells are.
_UNKNOWN_SIDE = 20.0


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of one image.

    Attributes:
        image: Its name.
        split: train, val, test, or None.
        boxes: (L, 4) in pixel edges.
        categories: (L,) names of classes.
        crowd: (L,) regions of many cells, which are never suspected.
        is_point: (L,) labels without an outline.
        pairs: Pairs of labels that lie upon each other, the lower row first.
    """

    image: str
    split: str | None
    boxes: FloatArray
    categories: Texts
    crowd: BoolArray
    is_point: BoolArray
    pairs: Overlaps

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evidence of one model about one image.

    Attributes:
        boxes: (P, 4) of all that may be a cell, in pixel edges.
        categories: (P,) names of classes.
        scores: (P,) in [0, 1].
        is_cell: (P,) whether it is a cell by the model's own threshold.
        overlaps: Labels (first) and predictions (second) that lie upon each other.
        support: (L,) in [0, 1], how much speaks for a cell of any class where each label is.
    """

    boxes: FloatArray
    categories: Texts
    scores: FloatArray
    is_cell: BoolArray
    overlaps: Overlaps
    support: FloatArray


def describe_labels(truth: AnnotationSet) -> Labels:
    """Return the labels of one image, without their outlines."""
    pairs = find_overlaps(truth, truth)
    return Labels(
        image=truth.names[0],
        split=truth.images["split"][0].as_py(),
        boxes=truth.boxes,
        categories=_names(truth),
        crowd=truth.crowd.astype(np.bool_),
        is_point=np.asarray(truth.objects["geometry"].to_numpy() == GEOMETRIES.index("point")),
        pairs=pairs.take(pairs.first < pairs.second),
    )


def gather_evidence(
    truth: AnnotationSet,
    found: AnnotationSet,
    thresholds: Mapping[str, float],
    maps: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> Evidence:
    """Compare a model's predictions of one image with its labels.

    Args:
        truth: The labels of one image; points stand for squares as large as the predictions usually are.
        found: What may be a cell, with scores, also what is below the threshold.
        thresholds: By class, from which score on a prediction counts.
        maps: By class, the probability (H, W) of being in a cell; none where the model has no maps.

    Returns:
        The evidence. A label's support is the greatest probability (see `probabilities.py`) of the predictions of any
        class that overlap it by an IoU of 0.1 or cover half of it, or, if more, the mean probability of its pixels.
    """
    scores = found.scores.astype(np.float64)
    limits = np.array([thresholds[name] for name in found.categories])
    calibrated = to_probabilities(scores, limits[found.category]) if len(scores) else scores
    drawn = with_extent(truth, _usual_side(found))
    overlaps = find_overlaps(drawn, found)
    counts = (overlaps.iou >= _SUPPORT_IOU) | (overlaps.first_share >= _SUPPORT_SHARE)
    support = np.zeros(truth.n_objects)
    np.maximum.at(support, overlaps.first[counts], calibrated[overlaps.second[counts]])
    for probabilities in (maps or {}).values():
        support = np.maximum(support, _means(drawn, probabilities))
    return Evidence(found.boxes, _names(found), scores, calibrated >= 0.5, overlaps, support)


def _names(annotations: AnnotationSet) -> Texts:
    return np.asarray(np.array(annotations.categories, dtype=object)[annotations.category])


def _usual_side(found: AnnotationSet) -> float:
    sides = (found.boxes[:, 2:] - found.boxes[:, :2]).mean(axis=1)
    return float(np.median(sides)) if sides.size else _UNKNOWN_SIDE


def _means(truth: AnnotationSet, probabilities: npt.NDArray[np.float32]) -> FloatArray:
    """Return the mean probability in each label, (L,): of the pixels that are drawn, or in the centre of its box."""
    means = np.zeros(truth.n_objects)
    is_box = np.asarray(truth.objects["geometry"].to_numpy() == GEOMETRIES.index("box"))
    rows = np.flatnonzero(~is_box)
    if rows.size:
        labels, _ = objects_to_labels(select_objects(truth, ~is_box))
        sizes = np.bincount(labels.ravel(), minlength=rows.size + 1)[1:]
        sums = np.bincount(labels.ravel(), weights=probabilities.ravel(), minlength=rows.size + 1)[1:]
        means[rows] = np.divide(sums, sizes, out=np.ones(rows.size), where=sizes > 0)
    for row in np.flatnonzero(is_box).tolist():
        means[row] = _central_mean(truth.boxes[row], probabilities)
    return means


def _central_mean(box: FloatArray, probabilities: npt.NDArray[np.float32]) -> float:
    """Return the mean in the central half of a box, where the cell is and its corners are not."""
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 4
    left, top = np.floor(centre - half).astype(int)
    right, bottom = np.ceil(centre + half).astype(int)
    seen = probabilities[max(top, 0) : max(bottom, top + 1, 1), max(left, 0) : max(right, left + 1, 1)]
    return float(seen.mean()) if seen.size else 0.0
