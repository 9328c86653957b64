"""Evaluate one image: every table, picture and sweep reads one `ImageEvaluation` and none matches again.

Boxes are always compared, centroids too, masks where both sides have them; a mask has a box, so a network that outlines
cells and a detector that frames them stand in the same columns. Everything is a count that can be summed over images;
`summaries.py` divides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.class_pair import (
    ClassPair,
    class_pair,
    has_boxes,
    has_masks,
    mean_diameter_px,
    without_ignored_regions,
)
from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing
from cell_pipelines.metrics.centroids import CentroidRule, match_centroids
from cell_pipelines.metrics.count_columns import (
    BOX_COUNTS,
    CENTROID_COUNTS,
    ERROR_COUNTS,
    INSTANCE_COUNTS,
    PIXEL_COUNTS,
    TOTALS,
)
from cell_pipelines.metrics.evaluated import COUNTS, METRICS
from cell_pipelines.metrics.instances import match_overlaps, matched_pairs
from cell_pipelines.metrics.matching import match_boxes
from cell_pipelines.metrics.segmentation_errors import find_segmentation_errors
from cell_pipelines.typing import BoolArray

Kind = Literal["box", "centroid", "mask"]
# Which true cells are found and which predictions are right.
Matched = Mapping[Kind, tuple[BoolArray, BoolArray]]
CELL_COLUMNS: Final = (
    "image", "category", "side", "score", "area_px", "box_matched", "centroid_matched", "mask_matched"
)  # fmt: skip


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of the evaluation.

    Attributes:
        max_distance_px: Farthest that a predicted centroid may lie from a true one, in pixels.
        iou: Least overlap of boxes, and of masks where they are matched by it, in (0, 1].
        rule: How centroids are matched; see `metrics.centroids`.
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
    ) -> "EvaluationSettings":
        """Return settings that fit a pairing: masks where both sides have them.

        Args:
            pairing: Truth and predictions.
            iou: Least overlap.
            max_distance_px: Farthest centroid; None for the diameter of the average true cell, and where no true cell
                has an area, for the one of c-ResUNet, 50 px.
            rule: How centroids are matched.
        """
        distance = mean_diameter_px(pairing.truth) if max_distance_px is None else max_distance_px
        distance = 50.0 if np.isnan(distance) else distance
        return cls(distance, iou, rule, has_masks(pairing), has_boxes(pairing))


class ImageEvaluation:
    """One image with its true and predicted cells, those in ignored regions left out, and how they match.

    Args:
        pair: The image, with predictions that are at or above their thresholds, or all of them for a sweep.
        settings: What counts as a match.
    """

    def __init__(self, pair: PairedSets, settings: EvaluationSettings) -> None:
        self.pair, self.settings = without_ignored_regions(pair), settings
        self._matches: dict[Kind, tuple[tuple[BoolArray, BoolArray], ...]] = {}

    @property
    def name(self) -> str:
        """The image."""
        return self.pair.name

    @property
    def categories(self) -> tuple[str, ...]:
        """Class names."""
        return self.pair.truth.categories

    @cached_property
    def classes(self) -> tuple[ClassPair, ...]:
        """The true and predicted cells of each class."""
        return tuple(class_pair(self.pair, category) for category in range(len(self.categories)))

    def matches(self, kind: Kind) -> tuple[tuple[BoolArray, BoolArray], ...]:
        """Return for each class which true cells, (N,) bool, and which predictions, (M,), best first, are matched."""
        if kind not in self._matches:
            self._matches[kind] = tuple(_match(cells, kind, self.settings) for cells in self.classes)
        return self._matches[kind]

    def kind_or_default(self, kind: Kind | None) -> Kind:
        """Return by what cells are matched where one must be chosen: `kind`, else masks, else boxes, else centroids."""
        kinds = self.settings.kinds
        return kind if kind in kinds else "mask" if "mask" in kinds else kinds[0]

    @property
    def counts(self) -> pd.DataFrame:
        """One row per class with the columns `image`, `category` and `COUNTS`."""
        rows = [
            {"image": self.name, "category": name, **_counts(cells, self._of_class(number), self.settings)}
            for number, (name, cells) in enumerate(zip(self.categories, self.classes, strict=True))
        ]
        return pd.DataFrame(rows, columns=["image", "category", *COUNTS])

    @property
    def cells(self) -> pd.DataFrame:
        """One row per true or predicted cell with `CELL_COLUMNS`.

        These are `image`, `category`, `side` (``true`` or ``predicted``), `score`, `area_px`, `box_matched`,
        `centroid_matched` and `mask_matched` (1, 0, or NaN where it does not apply).
        """
        parts = [
            _cells(cells, self._of_class(number)).assign(image=self.name, category=name)
            for number, (name, cells) in enumerate(zip(self.categories, self.classes, strict=True))
        ]
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        return table.reindex(columns=CELL_COLUMNS)

    def _of_class(self, number: int) -> Matched:
        return {kind: self.matches(kind)[number] for kind in self.settings.kinds}


def _match(cells: ClassPair, kind: Kind, settings: EvaluationSettings) -> tuple[BoolArray, BoolArray]:
    truth, predictions = cells.truth, cells.predictions
    found = np.zeros(truth.objects.n_objects, dtype=np.bool_)
    if kind == "mask":
        correct = np.zeros(predictions.objects.n_objects, dtype=np.bool_)
        pairs = matched_pairs(cells.overlaps, threshold=settings.iou)
        found[pairs.true_ids - 1] = correct[pairs.predicted_ids - 1] = True
        return found, correct
    if kind == "box":
        boxes = truth.objects.boxes, predictions.objects.boxes
        # Cells without scores are equally sure: the earlier row goes first.
        scores = np.nan_to_num(predictions.scores, nan=1.0)
        index = match_boxes(*boxes, scores, iou_threshold=settings.iou).true_index
    else:
        limit = settings.max_distance_px
        index = match_centroids(
            truth.centroids, predictions.centroids, max_distance=limit, rule=settings.rule
        ).true_index
    found[index[index >= 0]] = True
    return found, index >= 0


def _counts(cells: ClassPair, matched: Matched, settings: EvaluationSettings) -> dict[str, Any]:
    totals = cells.truth.objects.n_objects, cells.predictions.objects.n_objects
    columns: dict[str, Any] = dict(zip(TOTALS, totals, strict=True))
    names: dict[Kind, tuple[str, ...]] = {"box": BOX_COUNTS, "centroid": CENTROID_COUNTS}
    for kind in (kind for kind in names if kind in matched):
        found, correct = matched[kind]
        tp = int(np.count_nonzero(correct))
        columns |= dict(zip(names[kind], (tp, len(correct) - tp, len(found) - tp), strict=True))
    if settings.masks:
        columns |= _mask_counts(cells)
    return {name: columns.get(name, np.nan) for name in COUNTS}


def _mask_counts(cells: ClassPair) -> dict[str, float]:
    """Count pixels, instances, kinds of errors and what rows of metrics count, all from one table of overlaps."""
    table = cells.overlaps
    shared = int(table.shared.sum())
    pixels = (shared, int(table.predicted_areas.sum()) - shared, int(table.true_areas.sum()) - shared)
    counts = match_overlaps(table)
    at_each = np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], axis=1).ravel()
    errors = find_segmentation_errors(table).counts[: len(ERROR_COUNTS)]
    parts = [(PIXEL_COUNTS, pixels), (INSTANCE_COUNTS, at_each.tolist()), (ERROR_COUNTS, errors)]
    parts += [(metric.columns, metric.count(table)) for metric in METRICS.values() if metric.count]
    return {name: value for names, values in parts for name, value in zip(names, values, strict=True)}


def _cells(pair: ClassPair, matched: Matched) -> pd.DataFrame:
    parts = []
    for place, (name, side) in enumerate((("true", pair.truth), ("predicted", pair.predictions))):
        flags = {f"{kind}_matched": both[place].astype(float) for kind, both in matched.items()}
        parts.append(pd.DataFrame({"side": name, "score": side.scores, "area_px": side.areas, **flags}))
    return pd.concat(parts, ignore_index=True)
