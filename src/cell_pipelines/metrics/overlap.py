"""How well a predicted mask covers a true one, pixel by pixel: counts of one image, ratios over many.

"The IoU" of a data set is two numbers, which differ whenever images differ in how much of them is cells: the
mean of the images' own IoUs, in which a nearly empty image weighs as much as a full one, and the IoU of the
pixels of all images counted together. Both are given, each under its own name.

IoU and Dice of one set of counts hold the same information: Dice = 2 IoU / (1 + IoU). For means over images
this does not hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cell_pipelines.metrics.checks import check_masks
from cell_pipelines.metrics.ratios import dice, iou, precision, recall

BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]


class PixelCounts(NamedTuple):
    """Pixels of one image, or of many images summed.

    Attributes:
        tp: Pixels of cells that were predicted as cells.
        fp: Background pixels that were predicted as cells.
        fn: Pixels of cells that were predicted as background.
        tn: Background pixels that were predicted as background.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN), in [0, 1]; nan without cells and predictions."""
        return iou(self.tp, self.fp, self.fn)

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN), in [0, 1]; nan without cells and predictions."""
        return dice(self.tp, self.fp, self.fn)

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that are cells; nan if nothing was predicted."""
        return precision(self.tp, self.fp)

    @property
    def recall(self) -> float:
        """Share of the cells' pixels that were predicted; nan if there are no cells."""
        return recall(self.tp, self.fn)


def count_pixels(true_mask: BoolArray, predicted_mask: BoolArray) -> PixelCounts:
    """Count how the pixels of one image were classified.

    Args:
        true_mask: (H, W) bool, True in cells; of labels, ``labels > 0``.
        predicted_mask: (H, W) bool, the same.

    Returns:
        The four counts, which add up to H x W.

    Raises:
        TypeError: If a mask is not bool.
        ValueError: If the two are not of one shape (H, W).

    Example:
        >>> counts = count_pixels(np.array([[True, True, False]]), np.array([[True, False, False]]))
        >>> counts
        PixelCounts(tp=1, fp=0, fn=1, tn=1)
        >>> counts.iou
        0.5
    """
    true_mask, predicted_mask = check_masks(true_mask, predicted_mask)
    tp = int(np.count_nonzero(true_mask & predicted_mask))
    true, predicted = int(np.count_nonzero(true_mask)), int(np.count_nonzero(predicted_mask))
    return PixelCounts(tp, predicted - tp, true - tp, true_mask.size - true - predicted + tp)


@dataclass(frozen=True)
class PixelOverlap:
    """IoU and Dice over many images, each in both senses.

    Attributes:
        pixel_iou: IoU of the data set, from the counts of all images summed; nan without cells and predictions.
        dice: Dice of the data set, from the same counts.
        image_iou_mean: Mean of the images' IoUs over the images that have one; nan if none has.
        image_dice_mean: Mean of the images' Dice over the same images.
        n_images: How many images there are.
        n_images_measured: How many of them have cells or predictions, and so enter the two means.
    """

    pixel_iou: float
    dice: float
    image_iou_mean: float
    image_dice_mean: float
    n_images: int
    n_images_measured: int


def summarise_pixels(counts: Sequence[PixelCounts]) -> PixelOverlap:
    """Give IoU and Dice of the data set and as means over its images.

    Args:
        counts: Counts of each image; may be empty.

    Returns:
        The four numbers and how many images each is from.
    """
    table = np.array(counts, dtype=np.float64).reshape(-1, 4)
    tp, fp, fn, _ = table.T
    total = table.sum(axis=0)
    image_iou, image_dice = iou(tp, fp, fn), dice(tp, fp, fn)
    return PixelOverlap(
        pixel_iou=iou(*total[:3].tolist()),
        dice=dice(*total[:3].tolist()),
        image_iou_mean=_mean_of_known(image_iou),
        image_dice_mean=_mean_of_known(image_dice),
        n_images=len(table),
        n_images_measured=int(np.count_nonzero(~np.isnan(image_iou))),
    )


def _mean_of_known(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
