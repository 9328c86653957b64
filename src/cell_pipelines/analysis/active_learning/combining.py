"""Combine the suspicions of several models about one image: one row per suspect, with the models that agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np

from cell_pipelines.analysis.active_learning.evidence import Evidence, Labels
from cell_pipelines.analysis.active_learning.suspicions import Suspicions
from cell_pipelines.metrics.matching import box_iou
from cell_pipelines.typing import FloatArray

#: Kinds of suspected errors.
KINDS: Final = ("missing_label", "spurious_label", "bad_outline", "wrong_class", "duplicate_label")
# Least IoU of the boxes of two models' predictions of one cell, and of two labels that are one.
_ONE_CELL_IOU: Final = 0.4
_DUPLICATE_IOU: Final = 0.5
_DUPLICATE_SHARE: Final = 0.9
# From which suspicion on a model is said to agree.
_AGREES: Final = 0.3


@dataclass(frozen=True, eq=False)
class View:
    """One image as one model sees it.

    Attributes:
        evidence: What it found there.
        suspicions: What it finds wrong.
        usual_iou: IoU that its right outlines usually have with labels.
    """

    evidence: Evidence
    suspicions: Suspicions
    usual_iou: float


def suspects_of(labels: Labels, views: Mapping[str, View]) -> Iterator[dict[str, Any]]:
    """Yield what is suspected in one image, one row per suspect and at most one a label; without models nothing.

    A suspicion is the mean over the models that were asked. That of a bad outline is multiplied by the mean IoU of
    the models' own boxes of the cell, over the usual one of labels and models (at most 1), since models that each
    draw it differently do not say how it should be.

    Args:
        labels: The labels of the image.
        views: For each model what it found; models that were not asked about this image are left out.
    """
    if not views:
        return
    yield from _missing(labels, views)
    scores = _label_scores(labels, views)
    duplicates = _duplicates(labels, views)
    for row in range(len(labels)):
        kinds = {kind: float(values.mean(axis=0)[row]) for kind, values in scores.items()}
        other, twice = duplicates.get(row, (-1, np.zeros(len(views))))
        kind = max(kinds, key=lambda name: kinds[name])
        if other >= 0 and twice.mean() >= kinds[kind]:
            yield _row(labels, row, "duplicate_label", twice, views) | {"other_label": other}
        elif kinds[kind] > 0:
            yield _row(labels, row, kind, scores[kind][:, row], views)


def _label_scores(labels: Labels, views: Mapping[str, View]) -> dict[str, FloatArray]:
    """Return the suspicions of each kind, (M, L)."""
    found = [view.suspicions for view in views.values()]
    return {
        "spurious_label": np.stack([one.spurious for one in found]),
        "bad_outline": np.stack([one.outline for one in found]) * _agreement(labels, views),
        "wrong_class": np.stack([one.category for one in found]),
    }


def _agreement(labels: Labels, views: Mapping[str, View]) -> FloatArray:
    """Return the mean IoU of the models' boxes of each label's cell over the usual IoU, (L,), at most 1.

    It is 1 where fewer than two models have one.
    """
    usual = float(np.mean([view.usual_iou for view in views.values()]))
    total, number = np.zeros(len(labels)), np.zeros(len(labels))
    for one, other in combinations(views.values(), 2):
        both = np.flatnonzero((one.suspicions.partner >= 0) & (other.suspicions.partner >= 0))
        boxes = [view.evidence.boxes[view.suspicions.partner[both]].astype(np.float64) for view in (one, other)]
        total[both] += [float(box_iou(a[None], b[None])[0, 0]) for a, b in zip(*boxes, strict=True)]
        number[both] += 1
    agreed = np.divide(total, number * usual, out=np.ones(len(labels)), where=number > 0)
    return np.minimum(agreed, 1.0)


def _missing(labels: Labels, views: Mapping[str, View]) -> Iterator[dict[str, Any]]:
    """Yield the cells without a label, each once, as the surest model sees it."""
    free = [
        (float(view.suspicions.confidence[place]), model, int(place))
        for model, view in views.items()
        for place in view.suspicions.free
    ]
    free.sort(key=lambda one: -one[0])
    boxes = np.array([views[model].evidence.boxes[place] for _, model, place in free], dtype=np.float64).reshape(-1, 4)
    left = np.ones(len(free), dtype=np.bool_)
    for number, (_, model, place) in enumerate(free):
        if not left[number]:
            continue
        same = np.flatnonzero(left & (box_iou(boxes[number : number + 1], boxes)[0] >= _ONE_CELL_IOU))
        left[same] = left[number] = False
        found: dict[str, float] = {}
        for sure, name, _ in (free[one] for one in {*same.tolist(), number}):
            found[name] = max(sure, found.get(name, 0.0))
        category = str(views[model].evidence.categories[place])
        yield {
            "image": labels.image, "split": labels.split, "kind": "missing_label",
            "suspicion": sum(found.values()) / len(views), "category": "", "suggested": category, "label": -1,
            **_box(boxes[number]), "model": model, "prediction": place, "iou": np.nan, "support": np.nan,
            **_agreeing(np.array([found.get(name, 0.0) for name in views]), views),
        }  # fmt: skip


def _duplicates(labels: Labels, views: Mapping[str, View]) -> dict[int, tuple[int, FloatArray]]:
    """Return the labels that repeat another one: which, and how sure each model is of it (M,)."""
    pairs = labels.pairs
    inside = np.maximum(pairs.first_share, pairs.second_share)
    close = np.where(inside >= _DUPLICATE_SHARE, np.maximum(inside * _DUPLICATE_SHARE, pairs.iou), pairs.iou)
    found: dict[int, tuple[int, FloatArray]] = {}
    for place in np.flatnonzero((close >= _DUPLICATE_IOU) & ~labels.crowd[pairs.first] & ~labels.crowd[pairs.second]):
        one, other = int(pairs.first[place]), int(pairs.second[place])
        ious = np.array([view.suspicions.iou[[one, other]] for view in views.values()])
        # Where a model sees two cells that fit the two labels, they are two.
        twice = close[place] * (ious.min(axis=1) < _ONE_CELL_IOU)
        worse, kept = (one, other) if ious[:, 0].sum() < ious[:, 1].sum() else (other, one)
        if worse not in found or found[worse][1].mean() < twice.mean():
            found[worse] = (kept, twice)
    return found


def _row(labels: Labels, row: int, kind: str, values: FloatArray, views: Mapping[str, View]) -> dict[str, Any]:
    category = str(labels.categories[row])
    best = list(views)[int(np.argmax(values))]
    suspicions = views[best].suspicions
    return {
        "image": labels.image, "split": labels.split, "kind": kind, "suspicion": float(values.mean()),
        "category": category, "suggested": str(suspicions.suggested[row]) if kind == "wrong_class" else category,
        "label": row, **_box(labels.boxes[row]), "model": best, "prediction": int(suspicions.partner[row]),
        "iou": float(np.mean([view.suspicions.iou[row] for view in views.values()])),
        "support": float(np.mean([view.evidence.support[row] for view in views.values()])),
        "pieces": int(np.median([view.suspicions.pieces[row] for view in views.values()])),
        **_agreeing(values, views),
    }  # fmt: skip


def _box(box: FloatArray) -> dict[str, float]:
    return dict(zip(("x_min", "y_min", "x_max", "y_max"), (float(edge) for edge in box), strict=True))


def _agreeing(values: FloatArray, views: Mapping[str, View]) -> dict[str, Any]:
    names: Sequence[str] = [name for name, value in zip(views, values, strict=True) if value >= _AGREES]
    return {"models": ", ".join(names), "models_agreeing": len(names), "models_asked": len(views)}
