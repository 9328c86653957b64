"""COCO average precision of boxes or masks over a set of images, with every prediction counted.

COCO's own evaluators look at no more than 100 predictions an image (``maxDets``), which is fewer than a field
of cells holds; here the limit is lifted to what the data holds. Two `DetectionTable`, the truth and the
predictions, go in; an `AveragePrecision` with one value per category comes out. The counting is done by
faster-coco-eval, which only this file imports.

"Average precision" is the area under the ranked precision-recall curve (Lin et al. 2014, arXiv:1405.0312),
not tp / (tp + fp + fn), which some cell tools call by the same name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cell_pipelines.metrics.checks import check_boxes, check_flags, check_indices, check_scores
from cell_pipelines.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class DetectionTable:
    """Boxes of many images as columns, one row per box, in any order; no rows for an image without boxes.

    Attributes:
        image: (N,) int, which image, 0 or more.
        category: (N,) int, which category, 0 or more.
        boxes: (N, 4) float, x_min, y_min, x_max, y_max in pixels.
        scores: (N,) float in [0, 1] for predictions, None for the truth.
        crowd: (N,) bool, for the truth: True for a region of many cells, in which predictions are ignored
            rather than counted as false. None for no such region.
        masks: N masks in COCO's compressed run lengths, ``{"size": [H, W], "counts": bytes}``, each of its whole
            image; None if only boxes are compared.
    """

    image: IntArray
    category: IntArray
    boxes: FloatArray
    scores: FloatArray | None = None
    crowd: BoolArray | None = None
    masks: Sequence[Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        """Check the columns and bring each to its dtype."""
        boxes = check_boxes(self.boxes, "boxes")
        length = len(boxes)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "image", check_indices(self.image, "image", length=length))
        object.__setattr__(self, "category", check_indices(self.category, "category", length=length))
        if self.scores is not None:
            object.__setattr__(self, "scores", check_scores(self.scores, "scores", length=length))
        if self.crowd is not None:
            object.__setattr__(self, "crowd", check_flags(self.crowd, "crowd", length=length))
        if self.masks is not None and len(self.masks) != length:
            raise ValueError(f"`masks` must be {length}, one a row, got {len(self.masks)}.")


@dataclass(frozen=True)
class AveragePrecision:
    """Average precision of every category; nan where a category has no true box (crowd regions are none).

    Attributes:
        ap50: (C,) float64 in [0, 1], average precision at IoU 0.50.
        ap50_95: (C,) float64 in [0, 1], mean over the ten IoU thresholds 0.50, 0.55, ..., 0.95.
        precision: (10, 101, C) float64, the curves themselves: the best precision at a recall of at least 0,
            0.01, ..., 1, for each IoU threshold; 0 at a recall that is never reached.
    """

    ap50: FloatArray
    ap50_95: FloatArray
    precision: FloatArray

    @property
    def mean_ap50(self) -> float:
        """Mean of `ap50` over the categories with truth; nan if there are none."""
        return _mean_of_known(self.ap50)

    @property
    def mean_ap50_95(self) -> float:
        """Mean of `ap50_95` over the categories with truth; nan if there are none."""
        return _mean_of_known(self.ap50_95)


def measure_average_precision(
    truth: DetectionTable,
    predictions: DetectionTable,
    *,
    n_images: int,
    n_categories: int,
    by: Literal["boxes", "masks"] = "boxes",
) -> AveragePrecision:
    """Measure COCO's average precision without COCO's limit of 100 predictions an image.

    Predictions of all images are ranked together by score; of equal scores, those of the earlier image and
    then of the earlier row come first. Boxes of any size count.

    Args:
        truth: The true boxes.
        predictions: The predicted boxes, with scores. Keep low scores: a threshold before this step lowers the
            result.
        n_images: How many images there are, with boxes or not; image indices lie in [0, n_images).
        n_categories: How many categories there are (C), with boxes or not; categories lie in [0,
            n_categories).
        by: Whether the IoU is that of boxes or of masks, which both tables must then have.

    Returns:
        One value per category: 0 for a category with true boxes and no right prediction, nan for one without
        true boxes.

    Raises:
        ValueError: If predictions have no scores, masks are asked for and missing, or an image or category is out
            of range.
    """
    if predictions.scores is None:
        raise ValueError("`predictions` must have scores, got a table with `scores=None`.")
    for name, table in (("truth", truth), ("predictions", predictions)):
        _check_below(table.image, n_images, f"{name}.image", "n_images")
        _check_below(table.category, n_categories, f"{name}.category", "n_categories")
        if by == "masks" and table.masks is None:
            raise ValueError(f"`{name}` must have masks to be compared by masks, got a table with `masks=None`.")
    precision = np.full((10, 101, n_categories), np.nan)
    known = np.unique(truth.category if truth.crowd is None else truth.category[~truth.crowd])
    if known.size:
        images = [{"id": image} for image in range(n_images)]
        categories = [{"id": category} for category in range(n_categories)]
        curves = _precision_curves(truth, predictions, {"images": images, "categories": categories}, by)
        precision[:, :, known] = curves[:, :, known]
    return AveragePrecision(precision[0].mean(axis=0), precision.mean(axis=(0, 1)), precision)


def _precision_curves(
    truth: DetectionTable, predictions: DetectionTable, known: dict[str, list[dict[str, int]]], by: str
) -> FloatArray:
    """Let faster-coco-eval compute its precision table (IoU thresholds, recall levels, categories)."""
    from faster_coco_eval import COCO, COCOeval_faster

    true, predicted = _annotations(truth), _annotations(predictions)
    if by == "masks":
        for table, rows in ((truth, true), (predictions, predicted)):
            for row, mask in zip(rows, table.masks or (), strict=True):
                row["segmentation"] = dict(mask)
                known["images"][row["image_id"]].update(zip(("height", "width"), mask["size"], strict=True))
    evaluator = COCOeval_faster(
        COCO({**known, "annotations": true}),
        COCO({**known, "annotations": predicted}),
        iouType="segm" if by == "masks" else "bbox",
    )
    evaluator.params.areaRng, evaluator.params.areaRngLbl = [[0.0, float("inf")]], ["all"]
    evaluator.params.maxDets = [_largest_image(truth, predictions)]
    evaluator.evaluate()
    evaluator.accumulate()
    curves: FloatArray = evaluator.eval["precision"][:, :, :, 0, 0]
    return curves


def _annotations(table: DetectionTable) -> list[dict[str, Any]]:
    """Give the rows as COCO annotations (x, y, width, height); ids start at 1, as 0 means "unmatched"."""
    corner, size = table.boxes[:, :2], table.boxes[:, 2:] - table.boxes[:, :2]
    scores = np.zeros(len(size)) if table.scores is None else table.scores
    crowd = np.zeros(len(size), dtype=np.int64) if table.crowd is None else table.crowd.astype(np.int64)
    boxes, areas = np.hstack([corner, size]), size.prod(axis=1)
    columns = (table.image, table.category, boxes, areas, scores, crowd)
    keys = ("id", "image_id", "category_id", "bbox", "area", "score", "iscrowd")
    rows = zip(range(1, len(size) + 1), *(column.tolist() for column in columns), strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _largest_image(truth: DetectionTable, predictions: DetectionTable) -> int:
    """Count the boxes of the fullest image, true or predicted: a limit that cuts nothing off."""
    return max(int(np.bincount(table.image, minlength=1).max()) for table in (truth, predictions))


def _check_below(indices: IntArray, limit: int, name: str, limit_name: str) -> None:
    if indices.size and indices.max() >= limit:
        raise ValueError(f"`{name}` must be below `{limit_name}` ({limit}), got {indices.max()}.")


def _mean_of_known(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
