"""Define every metric in one plain sentence with its formula, for printing beside the number.

Two tools can give two different numbers the same name; a reader must never have to guess which one was used.
"AP" is the worst case: here it is always COCO's area under a ranked precision-recall curve with ``maxDets``
lifted, never tp / (tp + fp + fn).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_RANKED: Final = (
    "the area under the precision-recall curve of all predictions of a category, ranked by score over all "
    "images, taken as COCO does (best precision at a recall of at least 0, 0.01, ..., 1, averaged) but with "
    "COCO's limit of 100 predictions an image (maxDets) lifted so that every prediction counts"
)
_NOT_ACCURACY: Final = "it is not TP/(TP+FP+FN), which some cell tools also call average precision"

DEFINITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "iou": ("Intersection over union of two boxes: the area they share divided by the area they cover together."),
        "confidence": (
            "The threshold on the score: predictions with score >= confidence are kept, all others are "
            "dropped before TP, FP and FN are counted."
        ),
        "tp": (
            "True positives (TP): predictions that found a cell of their category, matched one-to-one from "
            "the highest score down, each to the still free cell of highest IoU, if that IoU reaches the "
            "threshold (0.5 unless said otherwise)."
        ),
        "fp": "False positives (FP): kept predictions that found no cell of their category.",
        "fn": "False negatives (FN): cells that no kept prediction of their category found.",
        "precision": ("The share of kept predictions that are right: TP/(TP+FP), undefined when nothing is predicted."),
        "recall": "The share of cells that are found: TP/(TP+FN), undefined when there are no cells.",
        "f1": (
            "The harmonic mean of precision and recall: 2TP/(2TP+FP+FN), from counts summed over images, "
            "undefined when there are no cells and no predictions."
        ),
        "ap50": f"COCO average precision at IoU 0.5: {_RANKED}; {_NOT_ACCURACY}.",
        "ap50_95": (
            "COCO average precision averaged over the IoU thresholds 0.50, 0.55, ..., 0.95: at each, "
            f"{_RANKED}; {_NOT_ACCURACY}."
        ),
        "mean_ap50": ("The mean of ap50 over the categories that have true cells, each category counting the same."),
        "mean_ap50_95": (
            "The mean of ap50_95 over the categories that have true cells, each category counting the same."
        ),
        "count_mae": "Mean absolute count error: mean(|predicted - true|) over images, in cells per image.",
        "count_medae": ("Median absolute count error: median(|predicted - true|) over images, in cells per image."),
        "count_bias": (
            "Mean count error: mean(predicted - true) over images, in cells per image, above 0 when too many "
            "cells are counted."
        ),
        "count_rmse": (
            "Root mean squared count error: sqrt(mean((predicted - true)^2)) over images, in cells per image,"
            " to which large errors add most."
        ),
        "count_mpe": (
            "Mean percentage count error: 100 * mean((predicted - true) / true) over the images that have "
            "cells, signed, so that errors in both directions cancel."
        ),
        "count_r2": (
            "Coefficient of determination of the counts: 1 - sum((predicted - true)^2) / sum((true - "
            "mean(true))^2), 1 for perfect counts and below 0 when the mean true count would be the better "
            "guess."
        ),
        "count_n_images": "The number of images whose counts were compared.",
        "count_n_images_with_cells": (
            "The number of images with at least one true cell, the ones that enter count_mpe."
        ),
        "pixel_iou": (
            "Intersection over union of the data set's pixels: TP/(TP+FP+FN), with the pixels of all images counted "
            "together, so that images with more cells weigh more."
        ),
        "image_iou_mean": (
            "The mean over images of each image's own intersection over union of pixels, TP/(TP+FP+FN), leaving out "
            "images with neither cells nor predictions, so that every image weighs the same."
        ),
        "dice": (
            "Dice coefficient of the data set's pixels: 2TP/(2TP+FP+FN) = 2 IoU/(1 + IoU), with the pixels of all "
            "images counted together."
        ),
        "image_dice_mean": (
            "The mean over images of each image's own Dice coefficient of pixels, 2TP/(2TP+FP+FN), leaving out images "
            "with neither cells nor predictions."
        ),
        "instance_tp": (
            "Matched cells: pairs of a true and a predicted cell whose masks have an IoU of at least the threshold, "
            "matched one-to-one, as many as possible and of those the greatest total IoU."
        ),
        "instance_fp": "Predicted cells whose mask matches no true cell at the IoU threshold.",
        "instance_fn": "True cells whose mask no predicted cell matches at the IoU threshold.",
        "instance_precision": (
            "The share of predicted cells whose mask matches a true cell at the IoU threshold: TP/(TP+FP)."
        ),
        "instance_recall": "The share of true cells whose mask is matched at the IoU threshold: TP/(TP+FN).",
        "instance_f1": (
            "The harmonic mean of instance precision and recall at the IoU threshold: 2TP/(2TP+FP+FN), from cells "
            "counted over all images."
        ),
        "instance_f1_mean": (
            "The mean of instance F1 over the IoU thresholds 0.50, 0.55, … 0.95, from cells counted over all images."
        ),
        "instance_accuracy": (
            "Matched cells among all true and predicted ones at the IoU threshold: TP/(TP+FP+FN), the number that "
            "StarDist calls accuracy and Cellpose average precision, without any ranking by score."
        ),
        "panoptic_quality": (
            "Panoptic quality at the IoU threshold: the sum of the matched cells' IoUs/(TP + FP/2 + FN/2), which is "
            "instance F1 times the mean IoU of the matched cells."
        ),
        "mean_matched_iou": "The mean IoU of the cells that are matched at the IoU threshold: sum of their IoUs/TP.",
        "aggregated_jaccard": (
            "Aggregated Jaccard index (Kumar and others, 2017): the pixels that each true cell shares with its "
            "prediction of highest IoU, divided by the pixels of either, to which all cells and predictions left over "
            "add, where one prediction may serve several cells."
        ),
        "aggregated_jaccard_plus": (
            "AJI+ (Graham and others, 2019): as the aggregated Jaccard index, but with one-to-one pairs of greatest "
            "total IoU, so that a prediction serves one cell at most."
        ),
        "split": "True cells in which two or more predictions lie, each with at least half of its pixels.",
        **dict.fromkeys(
            ("merge", "merged"),
            "Predictions in which two or more true cells lie, each with at least half of its pixels.",
        ),
        "missed": (
            "True cells that lie in no prediction and in which no prediction lies, where lying in another means with "
            "at least half of one's own pixels."
        ),
        "spurious": (
            "Predictions that lie in no true cell and in which no true cell lies, where lying in another means with "
            "at least half of one's own pixels."
        ),
        "centroid_f1": (
            "F1 of cell centres, 2TP/(2TP+FP+FN), matched one-to-one within the stated distance, as many as possible "
            "and of those the least total distance."
        ),
        "centroid_f1_greedy_2021": (
            "F1 of cell centres, 2TP/(2TP+FP+FN), where each true cell in turn takes the closest prediction that is "
            "still free and nearer than the stated distance (Morelli and others, 2021), which is not the best "
            "one-to-one matching."
        ),
        "centroid_f1_greedy_2021_code": (
            "F1 of cell centres, 2TP/(2TP+FP+FN), as the published code of Morelli and others (2021) counts: each "
            "prediction in turn takes the closest true cell nearer than the stated distance."
        ),
        "agreement_low, agreement_high": (
            "Bland and Altman's limits of agreement: the mean of predicted - true minus and plus 1.96 times its "
            "standard deviation over images, between which about 95 of 100 images lie."
        ),
        "objects": "True cells of the class in the test images; ignored regions are not counted.",
        "predicted": "Predicted cells of the class at or above its threshold, outside of ignored regions.",
        "images": "Test images.",
        "count_limits_of_agreement": (
            "Bland and Altman's limits of agreement: the mean of predicted - true minus and plus 1.96 times its "
            "standard deviation over images, between which about 95 of 100 images lie."
        ),
        "wilson_interval": (
            "Wilson's score interval of a proportion, which holds the true proportion in the stated share of"
            " cases if the trials are independent."
        ),
        "bootstrap_interval": (
            "The bias-corrected and accelerated (BCa) bootstrap interval, from drawing whole images, or series of "
            "them, with replacement, as their cells are not independent; widened by Student's t for few, and joined "
            "with the jackknife's interval, which is wider where few of them hold most cells."
        ),
    }
)
