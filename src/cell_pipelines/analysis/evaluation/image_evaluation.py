"""How one image was judged, for every family of models alike: counts of a row a class, and what became of each cell.

Boxes are always compared, middles too, masks where both sides have them; a mask has a box, so a network that outlines
cells and a detector that frames them stand in the same columns. Everything is a count that can be summed over images;
`summaries.py` divides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import (
    JudgedClass,
    has_boxes,
    has_masks,
    judged_class,
    mean_diameter_px,
    without_crowds,
)
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing
from cell_pipelines.metrics.aggregated_jaccard import aggregated_jaccard
from cell_pipelines.metrics.centroids import CentroidRule, match_centroids
from cell_pipelines.metrics.instances import IOU_THRESHOLDS, match_overlaps, matched_pairs
from cell_pipelines.metrics.matching import match_boxes
from cell_pipelines.metrics.segmentation_errors import find_segmentation_errors
from cell_pipelines.typing import BoolArray

Kind = Literal["box", "centroid", "mask"]
# Which true cells are found and which predictions are right.
Matched = Mapping[Kind, tuple[BoolArray, BoolArray]]
#: IoU thresholds of masks in percent, as column names end in them.
PERCENTS: Final = tuple(round(100 * threshold) for threshold in IOU_THRESHOLDS)
BOX_COUNTS: Final = ("tp", "fp", "fn")
CENTROID_COUNTS: Final = ("centroid_tp", "centroid_fp", "centroid_fn")
PIXEL_COUNTS: Final = ("pixel_tp", "pixel_fp", "pixel_fn")
INSTANCE_COUNTS: Final = tuple(
    f"instance_{count}_{percent}" for percent in PERCENTS for count in ("tp", "fp", "fn", "iou")
)
JACCARD_COUNTS: Final = ("jaccard_intersection", "jaccard_union")
ERROR_COUNTS: Final = ("split", "merged", "missed", "spurious")
#: All columns of counts, in their order; those of masks are nan where one side has none.
COUNTS: Final = (
    "true", "predicted", *BOX_COUNTS, *CENTROID_COUNTS, *PIXEL_COUNTS, *INSTANCE_COUNTS, *JACCARD_COUNTS,
    *ERROR_COUNTS,
)  # fmt: skip


CELL_COLUMNS: Final = (
    "image", "category", "side", "score", "area_px", "box_matched", "centroid_matched", "mask_matched"
)  # fmt: skip


@dataclass(frozen=True)
class JudgingSettings:
    """What counts as found.

    Attributes:
        max_distance_px: Farthest that a predicted middle may lie from a true one, in pixels.
        iou: Least overlap of boxes, and of masks where cells are told apart by it, in (0, 1].
        rule: How middles are matched; see `metrics.centroids`.
        masks: Whether both sides have masks or polygons.
        boxes: Whether no side has points.
    """

    max_distance_px: float
    iou: float = 0.5
    rule: CentroidRule = "optimal"
    masks: bool = True
    boxes: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.iou <= 1 or not self.max_distance_px > 0:
            raise ValueError(
                f"`iou` must lie in (0, 1] and `max_distance_px` above 0, got {self.iou} and {self.max_distance_px}."
            )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """By what cells can be compared."""
        return (*(("box",) if self.boxes else ()), "centroid", *(("mask",) if self.masks else ()))

    @classmethod
    def for_pairing(
        cls, pairing: Pairing, *, iou: float = 0.5, max_distance_px: float | None = None, rule: CentroidRule = "optimal"
    ) -> "JudgingSettings":
        """Return settings that fit a pairing: masks where both sides have them.

        Args:
            pairing: Truth and predictions.
            iou: Least overlap.
            max_distance_px: Farthest middle; None for the diameter of the average true cell, and where no true cell has
                an area, for the one of c-ResUNet, 50 px.
            rule: How middles are matched.
        """
        distance = mean_diameter_px(pairing.truth) if max_distance_px is None else max_distance_px
        distance = 50.0 if np.isnan(distance) else distance
        return cls(distance, iou, rule, has_masks(pairing), has_boxes(pairing))


@dataclass(frozen=True, eq=False)
class JudgedImage:
    """What judging one image gives.

    Attributes:
        counts: A row a class with the columns `image`, `category` and `COUNTS`.
        cells: A row a true or predicted cell with the columns `image`, `category`, `side` (``true`` or ``predicted``),
            `score`, `area_px`, `box_matched`, `centroid_matched` and `mask_matched` (1, 0, or nan where it cannot be
            told).
    """

    counts: pd.DataFrame
    cells: pd.DataFrame


def judge_image(pair: PairedSets, settings: JudgingSettings) -> JudgedImage:
    """Judge one image, whose predictions are already cut off at their thresholds; crowd regions are left out."""
    pair = without_crowds(pair)
    counts, cells = [], []
    for category, name in enumerate(pair.truth.categories):
        judged = judged_class(pair, category)
        matched = {kind: match_class(judged, kind, settings) for kind in settings.kinds}
        key = {"image": pair.name, "category": name}
        counts.append({**key, **_counts(judged, matched, settings)})
        cells.append(_cells(judged, matched).assign(**key))
    table = pd.concat(cells, ignore_index=True) if cells else pd.DataFrame()
    return JudgedImage(
        pd.DataFrame(counts, columns=["image", "category", *COUNTS]), table.reindex(columns=CELL_COLUMNS)
    )


def match_class(judged: JudgedClass, kind: Kind, settings: JudgingSettings) -> tuple[BoolArray, BoolArray]:
    """Return which true cells of a class are matched, (N,) bool, and which predictions, (M,) bool, surest first."""
    truth, predictions = judged.truth, judged.predictions
    found = np.zeros(truth.objects.n_objects, dtype=np.bool_)
    if kind == "mask":
        correct = np.zeros(predictions.objects.n_objects, dtype=np.bool_)
        pairs = matched_pairs(judged.overlaps, threshold=settings.iou)
        found[pairs.true_ids - 1] = correct[pairs.predicted_ids - 1] = True
        return found, correct
    if kind == "box":
        boxes = truth.objects.boxes, predictions.objects.boxes
        index = match_boxes(*boxes, predictions.scores, iou_threshold=settings.iou).true_index
    else:
        limit = settings.max_distance_px
        index = match_centroids(truth.centres, predictions.centres, max_distance=limit, rule=settings.rule).true_index
    found[index[index >= 0]] = True
    return found, index >= 0


def _counts(judged: JudgedClass, matched: Matched, settings: JudgingSettings) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "true": judged.truth.objects.n_objects, "predicted": judged.predictions.objects.n_objects
    }  # fmt: skip
    names: dict[Kind, tuple[str, ...]] = {"box": BOX_COUNTS, "centroid": CENTROID_COUNTS}
    for kind in (kind for kind in names if kind in matched):
        found, correct = matched[kind]
        tp = int(np.count_nonzero(correct))
        columns |= dict(zip(names[kind], (tp, len(correct) - tp, len(found) - tp), strict=True))
    if settings.masks:
        columns |= _mask_counts(judged)
    return {name: columns.get(name, np.nan) for name in COUNTS}


def _mask_counts(judged: JudgedClass) -> dict[str, float]:
    """Count pixels, instances, the aggregated Jaccard index and kinds of errors, all from one table of overlaps."""
    table = judged.overlaps
    shared = int(table.shared.sum())
    pixels = (shared, int(table.predicted_areas.sum()) - shared, int(table.true_areas.sum()) - shared)
    counts = match_overlaps(table)
    at_each = np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], axis=1).ravel()
    errors = find_segmentation_errors(table).counts[: len(ERROR_COUNTS)]
    names = (*PIXEL_COUNTS, *INSTANCE_COUNTS, *JACCARD_COUNTS, *ERROR_COUNTS)
    return dict(zip(names, (*pixels, *at_each.tolist(), *aggregated_jaccard(table), *errors), strict=True))


def _cells(judged: JudgedClass, matched: Matched) -> pd.DataFrame:
    parts = []
    for place, (name, side) in enumerate((("true", judged.truth), ("predicted", judged.predictions))):
        flags = {f"{kind}_matched": both[place].astype(float) for kind, both in matched.items()}
        parts.append(pd.DataFrame({"side": name, "score": side.scores, "area_px": side.areas, **flags}))
    return pd.concat(parts, ignore_index=True)
