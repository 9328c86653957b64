"""Precision, recall and F1 from counts: the only place that decides what 0/0 means.

Every other file of this room returns counts of true positives (tp), false positives (fp) and false negatives
(fn), which can be summed over images. The division comes last and happens here.

What 0/0 means: **nan, "there was nothing to measure"**, never 0 and never 1.

* precision is nan when nothing was predicted (tp + fp = 0);
* recall is nan when there was nothing to find (tp + fn = 0);
* F1 is nan only when there was nothing to find and nothing was predicted. Cells that were all missed, or
  predictions where there are no cells, give an F1 of 0.

An empty image therefore adds nothing to a sum of counts and cannot flatter a mean of ratios. Take such a mean
with ``numpy.nanmean`` and say how many values it leaves out.
"""

from typing import TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
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
