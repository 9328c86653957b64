"""The metrics of the evaluation, one row each: whatever is to be known of a metric is written down here and only here.

Tables, their definitions, comparisons, figures, pages and MLflow read these rows. To add a metric that is a ratio of
counts summed over images, add a row.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cell_pipelines.metrics.count_columns import BOX_COUNTS, CENTROID_COUNTS, JACCARD_COUNTS, PIXEL_COUNTS
from cell_pipelines.metrics.metric import Metric
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

_AT_50: Final = tuple(f"instance_{count}_50" for count in ("tp", "fp", "fn"))

_ROWS: Final = (
    Metric(
        "f1",
        "F1 of boxes at IoU 0.5",
        "F1, boxes",
        "The harmonic mean of precision and recall: 2TP/(2TP+FP+FN), from counts summed over images, undefined "
        "when there are no cells and no predictions.",
        BOX_COUNTS,
        f1,
        has_interval=True,
    ),
    Metric(
        "precision",
        "precision of boxes",
        "precision",
        "The share of kept predictions that are right: TP/(TP+FP), undefined when nothing is predicted.",
        ("tp", "fp"),
        precision,
    ),
    Metric(
        "recall",
        "recall of boxes",
        "recall",
        "The share of cells that are found: TP/(TP+FN), undefined when there are no cells.",
        ("tp", "fn"),
        recall,
    ),
    Metric(
        "centroid_f1",
        "F1 of centroids",
        "F1, centroids",
        "F1 of cell centres, 2TP/(2TP+FP+FN), matched one-to-one within the stated distance, as many as possible "
        "and of those the least total distance.",
        CENTROID_COUNTS,
        f1,
        has_interval=True,
    ),
    Metric(
        "centroid_precision",
        "precision of centroids",
        "precision, centroids",
        "The share of predicted centroids that match a true one within the distance: TP/(TP+FP).",
        ("centroid_tp", "centroid_fp"),
        precision,
    ),
    Metric(
        "centroid_recall",
        "recall of centroids",
        "recall, centroids",
        "The share of true centroids that a predicted one matches within the distance: TP/(TP+FN).",
        ("centroid_tp", "centroid_fn"),
        recall,
    ),
    Metric(
        "instance_f1",
        "F1 of masks at IoU 0.5",
        "F1, masks",
        "The harmonic mean of instance precision and recall at the IoU threshold: 2TP/(2TP+FP+FN), from cells "
        "counted over all images.",
        _AT_50,
        f1,
        has_interval=True,
    ),
    Metric(
        "instance_precision",
        "precision of masks",
        "precision, masks",
        "The share of predicted cells whose mask matches a true cell at the IoU threshold: TP/(TP+FP).",
        ("instance_tp_50", "instance_fp_50"),
        precision,
    ),
    Metric(
        "instance_recall",
        "recall of masks",
        "recall, masks",
        "The share of true cells whose mask is matched at the IoU threshold: TP/(TP+FN).",
        ("instance_tp_50", "instance_fn_50"),
        recall,
    ),
    Metric(
        "instance_accuracy",
        "TP/(TP+FP+FN) of masks",
        "accuracy, masks",
        "Matched cells among all true and predicted ones at the IoU threshold: TP/(TP+FP+FN), the number that "
        "StarDist calls accuracy and Cellpose average precision, without any ranking by score.",
        _AT_50,
        iou,
    ),
    Metric(
        "mean_matched_iou",
        "mean IoU of matched masks",
        "mean matched IoU",
        "The mean IoU of the cells that are matched at the IoU threshold: sum of their IoUs/TP.",
        ("instance_iou_50", "instance_tp_50"),
        mean_matched_iou,
    ),
    Metric(
        "panoptic_quality",
        "panoptic quality",
        "PQ",
        "Panoptic quality at the IoU threshold: the sum of the matched cells' IoUs/(TP + FP/2 + FN/2), which is "
        "instance F1 times the mean IoU of the matched cells.",
        ("instance_iou_50", *_AT_50),
        panoptic_quality,
        has_interval=True,
    ),
    Metric(
        "aggregated_jaccard",
        "aggregated Jaccard index",
        "AJI",
        "Aggregated Jaccard index (Kumar and others, 2017): the pixels that each true cell shares with its "
        "prediction of highest IoU, divided by the pixels of either, to which all cells and predictions left over "
        "add, where one prediction may serve several cells.",
        JACCARD_COUNTS,
        share,
        has_interval=True,
    ),
    Metric(
        "pixel_iou",
        "IoU of the data set",
        "IoU",
        "Intersection over union of the data set's pixels: TP/(TP+FP+FN), with the pixels of all images counted "
        "together, so that images with more cells weigh more.",
        PIXEL_COUNTS,
        iou,
        has_interval=True,
    ),
    Metric(
        "dice",
        "Dice of the data set",
        "Dice",
        "Dice coefficient of the data set's pixels: 2TP/(2TP+FP+FN) = 2 IoU/(1 + IoU), with the pixels of all "
        "images counted together.",
        PIXEL_COUNTS,
        dice,
        has_interval=True,
    ),
    Metric(
        "image_iou_mean",
        "IoU, mean of images",
        "IoU, mean of images",
        "The mean over images of each image's own intersection over union of pixels, TP/(TP+FP+FN), leaving out "
        "images with neither cells nor predictions, so that every image weighs the same.",
    ),
    Metric(
        "image_dice_mean",
        "Dice, mean of images",
        "Dice, mean of images",
        "The mean over images of each image's own Dice coefficient of pixels, 2TP/(2TP+FP+FN), leaving out images "
        "with neither cells nor predictions.",
    ),
    Metric(
        "instance_f1_mean",
        "F1 of masks, mean over IoU 0.5 to 0.95",
        "F1, masks 0.5:0.95",
        "The mean of instance F1 over the IoU thresholds 0.50, 0.55, … 0.95, from cells counted over all images.",
    ),
    Metric(
        "instance_accuracy_mean",
        "TP/(TP+FP+FN) of masks, mean over IoU 0.5 to 0.95",
        "accuracy, masks 0.5:0.95",
        "The mean of instance accuracy, TP/(TP+FP+FN) of masks, over the IoU thresholds 0.50, 0.55, … 0.95.",
    ),
    Metric(
        "ap50",
        "AP50",
        "AP50",
        f"COCO average precision at IoU 0.5: {RANKED}; {RANKED_IS_NOT_ACCURACY}.",
    ),
    Metric(
        "ap50_95",
        "AP50:95",
        "AP50:95",
        "COCO average precision averaged over the IoU thresholds 0.50, 0.55, ..., 0.95: at each, "
        f"{RANKED}; {RANKED_IS_NOT_ACCURACY}.",
    ),
    Metric(
        "count_mae",
        "count MAE, cells per image",
        "count MAE",
        "Mean absolute count error: mean(|predicted - true|) over images, in cells per image.",
    ),
    Metric(
        "count_medae",
        "median absolute count error, cells per image",
        "count MedAE",
        "Median absolute count error: median(|predicted - true|) over images, in cells per image.",
    ),
    Metric(
        "count_bias",
        "count bias, cells per image",
        "count bias",
        "Mean count error: mean(predicted - true) over images, in cells per image, above 0 when too many cells are "
        "counted.",
    ),
    Metric(
        "count_rmse",
        "count RMSE, cells per image",
        "count RMSE",
        "Root mean squared count error: sqrt(mean((predicted - true)^2)) over images, in cells per image, to which "
        "large errors add most.",
    ),
    Metric(
        "count_mpe",
        "mean percentage count error",
        "count MPE",
        "Mean percentage count error: 100 * mean((predicted - true) / true) over the images that have cells, "
        "signed, so that errors in both directions cancel.",
    ),
    Metric(
        "count_r2",
        "R² of counts",
        "count R²",
        "Coefficient of determination of the counts: 1 - sum((predicted - true)^2) / sum((true - mean(true))^2), "
        "1 for perfect counts and below 0 when the mean true count would be the better guess.",
    ),
)
#: By name.
METRICS: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _ROWS})


def title_of(name: str) -> str:
    """Return what figures and sentences call a metric; its name with spaces where it has no row."""
    return METRICS[name].title if name in METRICS else name.replace("_", " ")
