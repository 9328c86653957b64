"""Define every metric in one plain sentence with its formula, for printing beside the number.

Two tools can give two different numbers the same name; a reader must never have to guess which one was used.
"AP" is the worst case: here it is always COCO's area under a ranked precision-recall curve with ``maxDets``
lifted, never tp / (tp + fp + fn).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cell_pipelines.metrics.evaluated import METRICS

DEFINITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{metric.name: metric.definition for metric in METRICS.values()},
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
        "mean_ap50": ("The mean of ap50 over the categories that have true cells, each category counting the same."),
        "mean_ap50_95": (
            "The mean of ap50_95 over the categories that have true cells, each category counting the same."
        ),
        "count_n_images": "The number of images whose counts were compared.",
        "count_n_images_with_cells": (
            "The number of images with at least one true cell, the ones that enter count_mpe."
        ),
        "instance_tp": (
            "Matched cells: pairs of a true and a predicted cell whose masks have an IoU of at least the threshold, "
            "matched one-to-one, as many as possible and of those the greatest total IoU."
        ),
        "instance_fp": "Predicted cells whose mask matches no true cell at the IoU threshold.",
        "instance_fn": "True cells whose mask no predicted cell matches at the IoU threshold.",
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
