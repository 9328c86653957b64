"""Measure how far predicted cell counts are from true ones, image by image.

A count can be right for the wrong reasons: a missed cell and a spurious one cancel. These numbers say how
good a count is, `matching.py` says whether it was the cells that were counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cell_pipelines.typing import FloatArray


@dataclass(frozen=True)
class CountErrors:
    """Errors of counts over I images, with t the true and p the predicted count of an image.

    Attributes:
        mae: Mean absolute error, mean(|p - t|), in cells per image.
        medae: Median absolute error, median(|p - t|), in cells per image.
        bias: Mean error, mean(p - t), in cells per image; above 0 when too many cells are counted.
        rmse: Root mean squared error, sqrt(mean((p - t)^2)), in cells per image.
        mpe: Mean percentage error, 100 * mean((p - t) / t), over images with t > 0 only; signed.
        r2: Coefficient of determination, 1 - sum((p - t)^2) / sum((t - mean(t))^2); at most 1, and below 0
            when the mean true count would have been the better guess. Not the square of a correlation.
        n_images: I, how many images there are.
        n_images_with_cells: How many of them have t > 0, and so enter `mpe`.
    """

    mae: float
    medae: float
    bias: float
    rmse: float
    mpe: float
    r2: float
    n_images: int
    n_images_with_cells: int


def count_errors(true_counts: ArrayLike, predicted_counts: ArrayLike) -> CountErrors:
    """Measure how far predicted counts are from true counts.

    Args:
        true_counts: (I,), cells per image, 0 or more. Whole numbers, or any real ones for a density.
        predicted_counts: (I,), the same.

    Returns:
        The errors. All are nan without images, `mpe` is nan without an image that has cells, and `r2` is nan
        when all images have the same true count.

    Raises:
        ValueError: If the two do not have the same shape (I,), or a count is negative or not finite.

    Example:
        >>> errors = count_errors([10, 20, 0], [12, 17, 0])
        >>> errors.medae, round(errors.bias, 2), round(errors.mpe, 2)
        (2.0, -0.33, 2.5)
    """
    true, predicted = _check_pair(true_counts, predicted_counts, shape="(I,)")
    error, has_cells = predicted - true, true > 0
    return CountErrors(
        mae=_mean(np.abs(error)),
        medae=float(np.median(np.abs(error))) if error.size else float("nan"),
        bias=_mean(error),
        rmse=float(np.sqrt(_mean(error**2))),
        mpe=100 * _mean(error[has_cells] / true[has_cells]),
        r2=_determination(true, error),
        n_images=int(true.size),
        n_images_with_cells=int(np.count_nonzero(has_cells)),
    )


def count_error(name: str, true_counts: ArrayLike, predicted_counts: ArrayLike) -> float:
    """Return the number of `count_errors` that is called `name`."""
    return float(getattr(count_errors(true_counts, predicted_counts), name))


@dataclass(frozen=True)
class LimitsOfAgreement:
    """Between which bounds predicted and true counts differ in about 95 of 100 images (Bland & Altman 1986).

    Attributes:
        bias: Mean of predicted - true, in cells per image.
        sd: Standard deviation of predicted - true over images, with I - 1 in the denominator.
        low: Lower limit, bias - 1.96 sd.
        high: Upper limit, bias + 1.96 sd.
        n_images: I, how many images there are.
    """

    bias: float
    sd: float
    low: float
    high: float
    n_images: int


def limits_of_agreement(true_counts: ArrayLike, predicted_counts: ArrayLike) -> LimitsOfAgreement:
    """Give the limits of agreement of two ways to count (Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8).

    They hold about 95 % of the differences if these are about normal and do not grow with the count; the plot
    of differences over means shows whether they do.

    Args:
        true_counts: (I,), cells per image, 0 or more.
        predicted_counts: (I,), the same.

    Returns:
        The limits; nan for fewer than two images.

    Example:
        >>> limits = limits_of_agreement([10, 20, 30], [12, 20, 31])
        >>> limits.bias, limits.sd, limits.low
        (1.0, 1.0, -0.96)
    """
    true, predicted = _check_pair(true_counts, predicted_counts, shape="(I,)")
    error = predicted - true
    bias = _mean(error)
    sd = float(error.std(ddof=1)) if error.size > 1 else float("nan")
    return LimitsOfAgreement(bias, sd, bias - 1.96 * sd, bias + 1.96 * sd, int(error.size))


def _check_pair(true: ArrayLike, predicted: ArrayLike, *, shape: str) -> tuple[FloatArray, FloatArray]:
    """Return both as float64 of the one shape, "(I,)" or "(I, C)"."""
    pair = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if pair[0].ndim != (1 if shape == "(I,)" else 2) or pair[0].shape != pair[1].shape:
        raise ValueError(
            f"`true_counts` and `predicted_counts` must have one shape {shape}, "
            f"got {pair[0].shape} and {pair[1].shape}."
        )
    for name, counts in zip(("true_counts", "predicted_counts"), pair, strict=True):
        if not (np.isfinite(counts) & (counts >= 0)).all():
            raise ValueError(f"`{name}` must be finite and 0 or more, got {counts.min()} to {counts.max()}.")
    return pair


def _mean(values: FloatArray) -> float:
    """Mean, nan for no values."""
    return float(values.mean()) if values.size else float("nan")


def _determination(true: FloatArray, error: FloatArray) -> float:
    """Coefficient of determination, nan where the true counts do not vary."""
    if true.size == 0 or np.ptp(true) == 0:
        return float("nan")
    return float(1 - (error**2).sum() / ((true - true.mean()) ** 2).sum())
