"""Precision, recall, F1, IoU, Dice and other ratios of counts: the only place that decides what 0/0 means.

Every other file of this package returns counts of true positives (tp), false positives (fp) and false negatives
(fn), which can be summed over images. The division comes last and happens here.

What 0/0 means: **nan, "there was nothing to measure"**, never 0 and never 1.

* precision is nan when nothing was predicted (tp + fp = 0);
* recall is nan when there was nothing to find (tp + fn = 0);
* F1 is nan only when there was nothing to find and nothing was predicted. Cells that were all missed, or
  predictions where there are no cells, give an F1 of 0. The same holds for IoU, Dice and panoptic quality.

An empty image therefore adds nothing to a sum of counts and cannot flatter a mean of ratios. Take such a mean
with ``numpy.nanmean`` and say how many values it leaves out.
"""

from typing import TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cell_pipelines.typing import FloatArray

CountArray: TypeAlias = NDArray[np.integer] | NDArray[np.floating]


@overload
def precision(tp: float, fp: float) -> float: ...
@overload
def precision(tp: CountArray, fp: CountArray) -> FloatArray: ...
def precision(tp: ArrayLike, fp: ArrayLike) -> float | FloatArray:
    """Divide the right predictions by all predictions: tp / (tp + fp).

    The definition is that of Manning, Raghavan & Schütze, *Introduction to Information Retrieval* (2008),
    section 8.3.

    Args:
        tp: True positives, 0 or more; a number or an array of any shape.
        fp: False positives, 0 or more; a number or an array that broadcasts with `tp`.

    Returns:
        Precision in [0, 1], a float for numbers and float64 for arrays; nan where nothing was predicted.

    Example:
        >>> precision(3, 1)
        0.75
        >>> precision(0, 0)
        nan
    """
    right, wrong = _check_counts(tp=tp, fp=fp)
    return _divide(right, right + wrong)


@overload
def recall(tp: float, fn: float) -> float: ...
@overload
def recall(tp: CountArray, fn: CountArray) -> FloatArray: ...
def recall(tp: ArrayLike, fn: ArrayLike) -> float | FloatArray:
    """Divide the cells that were found by all cells: tp / (tp + fn).

    The definition is that of Manning, Raghavan & Schütze, *Introduction to Information Retrieval* (2008),
    section 8.3.

    Args:
        tp: True positives, 0 or more; a number or an array of any shape.
        fn: False negatives, 0 or more; a number or an array that broadcasts with `tp`.

    Returns:
        Recall in [0, 1], a float for numbers and float64 for arrays; nan where there was nothing to find.

    Example:
        >>> recall(3, 3)
        0.5
    """
    found, missed = _check_counts(tp=tp, fn=fn)
    return _divide(found, found + missed)


@overload
def f1(tp: float, fp: float, fn: float) -> float: ...
@overload
def f1(tp: CountArray, fp: CountArray, fn: CountArray) -> FloatArray: ...
def f1(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike) -> float | FloatArray:
    """Give the harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn).

    Written with counts, the formula (the Dice coefficient of the two sets of cells; van Rijsbergen,
    *Information Retrieval*, 1979, chapter 7, with equal weights) still holds where precision or recall alone
    is 0/0.

    Args:
        tp: True positives, 0 or more; a number or an array of any shape.
        fp: False positives, 0 or more; a number or an array that broadcasts with `tp`.
        fn: False negatives, 0 or more; a number or an array that broadcasts with `tp`.

    Returns:
        F1 in [0, 1], a float for numbers and float64 for arrays; nan where there was nothing to find and
        nothing was predicted.

    Example:
        >>> f1(2, 1, 1)
        0.6666666666666666
        >>> f1(0, 0, 4)
        0.0
    """
    right, wrong, missed = _check_counts(tp=tp, fp=fp, fn=fn)
    return _divide(2 * right, 2 * right + wrong + missed)


@overload
def iou(tp: float, fp: float, fn: float) -> float: ...
@overload
def iou(tp: CountArray, fp: CountArray, fn: CountArray) -> FloatArray: ...
def iou(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike) -> float | FloatArray:
    """Give the intersection over union of what is true and what was predicted: tp / (tp + fp + fn).

    The formula is Jaccard's (1912, doi:10.1111/j.1469-8137.1912.tb05611.x). Of pixels it is the IoU of two masks;
    of cells it is what StarDist calls accuracy and Cellpose average precision.

    Args:
        tp: True positives, 0 or more; a number or an array of any shape.
        fp: False positives, 0 or more; a number or an array that broadcasts with `tp`.
        fn: False negatives, 0 or more; a number or an array that broadcasts with `tp`.

    Returns:
        IoU in [0, 1], a float for numbers and float64 for arrays; nan where nothing is true and nothing was
        predicted.

    Example:
        >>> iou(2, 1, 1)
        0.5
    """
    right, wrong, missed = _check_counts(tp=tp, fp=fp, fn=fn)
    return _divide(right, right + wrong + missed)


@overload
def dice(tp: float, fp: float, fn: float) -> float: ...
@overload
def dice(tp: CountArray, fp: CountArray, fn: CountArray) -> FloatArray: ...
def dice(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike) -> float | FloatArray:
    """Give the Dice coefficient (Dice 1945, doi:10.2307/1932409): 2 tp / (2 tp + fp + fn) = 2 IoU / (1 + IoU).

    It is `f1` under the name that it has where the counts are pixels.

    Args:
        tp: True positives, 0 or more; a number or an array of any shape.
        fp: False positives, 0 or more; a number or an array that broadcasts with `tp`.
        fn: False negatives, 0 or more; a number or an array that broadcasts with `tp`.

    Returns:
        Dice in [0, 1], a float for numbers and float64 for arrays; nan as in `iou`.
    """
    right, wrong, missed = _check_counts(tp=tp, fp=fp, fn=fn)
    return _divide(2 * right, 2 * right + wrong + missed)


def panoptic_quality(iou_sum: CountArray, tp: CountArray, fp: CountArray, fn: CountArray) -> FloatArray:
    """Divide the IoUs of matched cells by all cells: iou_sum / (tp + fp / 2 + fn / 2).

    Equation 1 of Kirillov et al. 2019, arXiv:1801.00868; it is F1 times `mean_matched_iou`.

    Args:
        iou_sum: Sum of the IoUs of the matched pairs, an array of any shape.
        tp: How many pairs were matched; an array that broadcasts with `iou_sum`.
        fp: Predictions that match no cell, the same.
        fn: Cells that no prediction matches, the same.

    Returns:
        Panoptic quality in [0, 1], float64; nan where there are neither cells nor predictions.
    """
    total, right, wrong, missed = _check_counts(iou_sum=iou_sum, tp=tp, fp=fp, fn=fn)
    return np.asarray(_divide(total, right + wrong / 2 + missed / 2))


def mean_matched_iou(iou_sum: CountArray, tp: CountArray) -> FloatArray:
    """Divide the IoUs of matched cells by their number, iou_sum / tp; nan where nothing was matched."""
    total, right = _check_counts(iou_sum=iou_sum, tp=tp)
    return np.asarray(_divide(total, right))


@overload
def share(part: float, whole: float) -> float: ...
@overload
def share(part: CountArray, whole: CountArray) -> FloatArray: ...
def share(part: ArrayLike, whole: ArrayLike) -> float | FloatArray:
    """Divide a part by the whole, as of split cells by all cells.

    Args:
        part: 0 or more; a number or an array of any shape.
        whole: 0 or more; a number or an array that broadcasts with `part`.

    Returns:
        Their ratio, a float for numbers and float64 for arrays; nan where the whole is 0.
    """
    numerator, denominator = _check_counts(part=part, whole=whole)
    return _divide(numerator, denominator)


def _check_counts(**counts: ArrayLike) -> list[FloatArray]:
    arrays = {name: np.asarray(count, dtype=np.float64) for name, count in counts.items()}
    for name, array in arrays.items():
        if array.size and not (array >= 0).all():
            raise ValueError(f"`{name}` must be counts of 0 or more, got {array.min()}.")
    return list(arrays.values())


def _divide(numerator: FloatArray, denominator: FloatArray) -> float | FloatArray:
    """Divide, giving nan for 0/0; a float when both are numbers."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    ratio = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return float(ratio) if ratio.ndim == 0 else ratio
