"""The metrics of the evaluation, one row each: whatever is to be known of a metric is written down here and only here.

Tables, their definitions, comparisons, figures, pages and MLflow read these rows. To add a metric, add a row; a test
makes sure that no other module lists metrics by hand.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from cell_pipelines.metrics.aggregated_jaccard import aggregated_jaccard
from cell_pipelines.metrics.count_columns import (
    BOX_COUNTS,
    CENTROID_COUNTS,
    ERROR_COUNTS,
    INSTANCE_COUNTS,
    PERCENTS,
    PIXEL_COUNTS,
    TOTALS,
)
from cell_pipelines.metrics.counting import count_error
from cell_pipelines.metrics.metric import Metric, Place
from cell_pipelines.metrics.ranked import RANKED, RANKED_IS_NOT_ACCURACY
from cell_pipelines.metrics.ratios import (
    dice,
    f1,
    iou,
    mean_matched_iou,
    panoptic_quality,
    precision,
    recall,
    share,
)
from cell_pipelines.typing import FloatArray


def _mean_over_iou(ratio: Callable[..., Any], *counts: FloatArray) -> Any:
    """Return the mean of a ratio over the IoU thresholds, from TP, FP and FN at each."""
    return np.mean([ratio(*counts[place : place + 3]) for place in range(0, len(counts), 3)], axis=0)


def _error(true: FloatArray, predicted: FloatArray) -> FloatArray:
    return predicted - true


def _absolute_error(true: FloatArray, predicted: FloatArray) -> FloatArray:
    return np.abs(predicted - true)


_AT_50: Final = tuple(f"instance_{count}_50" for count in ("tp", "fp", "fn"))
_AT_EACH: Final = tuple(f"instance_{count}_{percent}" for percent in PERCENTS for count in ("tp", "fp", "fn"))
_NEARLY_EVERYWHERE: Final[tuple[Place, ...]] = (
    "model headline", "report", "comparison", "tested", "card", "trials", "learning curve",
)  # fmt: skip
_EVERYWHERE: Final[tuple[Place, ...]] = ("headline", *_NEARLY_EVERYWHERE)
_PARTS: Final[tuple[Place, ...]] = ("report", "card", "trials", "learning curve")
# fmt: off
_ROWS: Final = (
    Metric("f1", "F1 of boxes", "F1, boxes", "box",
        "The harmonic mean of precision and recall of boxes that are matched at the IoU of the evaluation (0.5 unless "
        "`evaluation.iou` says otherwise): 2TP/(2TP+FP+FN), from counts summed over images, undefined when there are "
        "no cells and no predictions.",
        BOX_COUNTS, f1, has_interval=True, shown=_EVERYWHERE),
    Metric("precision", "precision of boxes", "precision", "box",
        "The share of kept predictions that are right: TP/(TP+FP), undefined when nothing is predicted.",
        ("tp", "fp"), precision, shown=_PARTS),
    Metric("recall", "recall of boxes", "recall", "box",
        "The share of cells that are found: TP/(TP+FN), undefined when there are no cells.",
        ("tp", "fn"), recall, shown=_PARTS),
    Metric("centroid_f1", "F1 of centroids", "F1, centroids", "centroid",
        "F1 of cell centres, 2TP/(2TP+FP+FN), matched one-to-one within the stated distance, as many as "
        "possible and of those the least total distance.",
        CENTROID_COUNTS, f1, has_interval=True, shown=_NEARLY_EVERYWHERE),
    Metric("centroid_precision", "precision of centroids", "precision, centroids", "centroid",
        "The share of predicted centroids that match a true one within the distance: TP/(TP+FP).",
        ("centroid_tp", "centroid_fp"), precision),
    Metric("centroid_recall", "recall of centroids", "recall, centroids", "centroid",
        "The share of true centroids that a predicted one matches within the distance: TP/(TP+FN).",
        ("centroid_tp", "centroid_fn"), recall),
    Metric("instance_f1", "F1 of masks at IoU 0.5", "F1, masks", "mask",
        "The harmonic mean of instance precision and recall at the IoU threshold: 2TP/(2TP+FP+FN), from cells "
        "counted over all images.",
        _AT_50, f1, has_interval=True, shown=_EVERYWHERE),
    Metric("instance_precision", "precision of masks", "precision, masks", "mask",
        "The share of predicted cells whose mask matches a true cell at the IoU threshold: TP/(TP+FP).",
        ("instance_tp_50", "instance_fp_50"), precision, shown=("report",)),
    Metric("instance_recall", "recall of masks", "recall, masks", "mask",
        "The share of true cells whose mask is matched at the IoU threshold: TP/(TP+FN).",
        ("instance_tp_50", "instance_fn_50"), recall, shown=("report",)),
    Metric("instance_accuracy", "TP/(TP+FP+FN) of masks", "accuracy, masks", "mask",
        "Matched cells among all true and predicted ones at the IoU threshold: TP/(TP+FP+FN), the number that "
        "StarDist calls accuracy and Cellpose average precision, without any ranking by score.",
        _AT_50, iou, shown=("report",)),
    Metric("mean_matched_iou", "mean IoU of matched masks", "mean matched IoU", "mask",
        "The mean IoU of the cells that are matched at the IoU threshold: sum of their IoUs/TP.",
        ("instance_iou_50", "instance_tp_50"), mean_matched_iou),
    Metric("panoptic_quality", "panoptic quality", "PQ", "mask",
        "Panoptic quality at the IoU threshold: the sum of the matched cells' IoUs/(TP + FP/2 + FN/2), which "
        "is instance F1 times the mean IoU of the matched cells.",
        ("instance_iou_50", *_AT_50), panoptic_quality, has_interval=True,
        shown=("report", "comparison", "tested", "card", "trials", "learning curve")),
    Metric("aggregated_jaccard", "aggregated Jaccard index", "AJI", "mask",
        "Aggregated Jaccard index (Kumar and others, 2017): the pixels that each true cell shares with its "
        "prediction of highest IoU, divided by the pixels of either, to which all cells and predictions left "
        "over add, where one prediction may serve several cells.",
        ("jaccard_intersection", "jaccard_union"), share, has_interval=True, count=aggregated_jaccard,
        shown=("report", "comparison")),
    Metric("pixel_iou", "IoU of the data set", "IoU", "pixel",
        "Intersection over union of the data set's pixels: TP/(TP+FP+FN), with the pixels of all images "
        "counted together, so that images with more cells weigh more.",
        PIXEL_COUNTS, iou, has_interval=True, shown=("report", "comparison", "tested", "card", "trials")),
    Metric("dice", "Dice of the data set", "Dice", "pixel",
        "Dice coefficient of the data set's pixels: 2TP/(2TP+FP+FN) = 2 IoU/(1 + IoU), with the pixels of all "
        "images counted together.",
        PIXEL_COUNTS, dice, has_interval=True, shown=("report", "comparison", "card", "trials", "learning curve")),
    Metric("image_iou_mean", "IoU, mean of images", "IoU, mean of images", "pixel",
        "The mean over images of each image's own intersection over union of pixels, TP/(TP+FP+FN), leaving "
        "out images with neither cells nor predictions, so that every image weighs the same.",
        PIXEL_COUNTS, iou, over="each image", has_interval=True, shown=("report", "comparison", "trials")),
    Metric("image_dice_mean", "Dice, mean of images", "Dice, mean of images", "pixel",
        "The mean over images of each image's own Dice coefficient of pixels, 2TP/(2TP+FP+FN), leaving out "
        "images with neither cells nor predictions.",
        PIXEL_COUNTS, dice, over="each image", has_interval=True),
    Metric("instance_f1_mean", "F1 of masks, mean over IoU 0.5 to 0.95", "F1, masks 0.5:0.95", "mask",
        "The mean of instance F1 over the IoU thresholds 0.50, 0.55, … 0.95, from cells counted over all "
        "images.",
        _AT_EACH, partial(_mean_over_iou, f1), shown=("report", "comparison")),
    Metric("instance_accuracy_mean", "TP/(TP+FP+FN) of masks, mean over IoU 0.5 to 0.95", "accuracy, masks 0.5:0.95",
        "mask",
        "The mean of instance accuracy, TP/(TP+FP+FN) of masks, over the IoU thresholds 0.50, 0.55, … 0.95.",
        _AT_EACH, partial(_mean_over_iou, iou)),
    Metric("ap50", "AP50", "AP50, boxes", "box",
        f"COCO average precision at IoU 0.5: {RANKED}; {RANKED_IS_NOT_ACCURACY}.",
        shown=("model headline", "report", "comparison", "card", "trials", "learning curve")),
    Metric("ap50_95", "AP50:95", "AP50:95, boxes", "box",
        "COCO average precision averaged over the IoU thresholds 0.50, 0.55, ..., 0.95: at each, "
        f"{RANKED}; {RANKED_IS_NOT_ACCURACY}.",
        shown=("report", "trials", "learning curve")),
    Metric("count_mae", "count MAE, cells per image", "count MAE", "count",
        "Mean absolute count error: mean(|predicted - true|) over images, in cells per image.",
        TOTALS, _absolute_error, over="each image", better="lower", has_interval=True, shown=_EVERYWHERE),
    Metric("count_medae", "median absolute count error, cells per image", "count MedAE", "count",
        "Median absolute count error: median(|predicted - true|) over images, in cells per image.",
        TOTALS, partial(count_error, "medae"), over="all images", better="lower", shown=("report", "comparison")),
    Metric("count_bias", "count bias, cells per image", "count bias", "count",
        "Mean count error: mean(predicted - true) over images, in cells per image, above 0 when too many "
        "cells are counted.",
        TOTALS, _error, over="each image", better="near 0", has_interval=True,
        shown=("report", "comparison", "card", "trials")),
    Metric("count_rmse", "count RMSE, cells per image", "count RMSE", "count",
        "Root mean squared count error: sqrt(mean((predicted - true)^2)) over images, in cells per image, to "
        "which large errors add most.",
        TOTALS, partial(count_error, "rmse"), over="all images", better="lower"),
    Metric("count_mpe", "mean percentage count error", "count MPE", "count",
        "Mean percentage count error: 100 * mean((predicted - true) / true) over the images that have cells, "
        "signed, so that errors in both directions cancel.",
        TOTALS, partial(count_error, "mpe"), over="all images", better="near 0", shown=("report",)),
    Metric("count_r2", "R² of counts", "count R²", "count",
        "Coefficient of determination of the counts: 1 - sum((predicted - true)^2) / sum((true - "
        "mean(true))^2), 1 for perfect counts and below 0 when the mean true count would be the better guess.",
        TOTALS, partial(count_error, "r2"), over="all images", shown=("report", "comparison", "card")),
)
# fmt: on
#: By name.
METRICS: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _ROWS})
#: Those that models can be compared by. Dice is IoU on another scale, so a test of one is a test of the other.
COMPARED: Final[Mapping[str, Metric]] = MappingProxyType(
    {metric.name: metric for metric in _ROWS if metric.is_comparable}
)
#: Columns of the counts of one image and class; those of masks are NaN where one side has none.
COUNTS: Final = (
    *TOTALS, *BOX_COUNTS, *CENTROID_COUNTS, *PIXEL_COUNTS, *INSTANCE_COUNTS,
    *(column for metric in _ROWS if metric.count for column in metric.columns), *ERROR_COUNTS,
)  # fmt: skip
