"""Say which thresholds the images cannot tell from the best one: those within one standard error of it."""

import numpy as np

from cell_pipelines.metrics.ratios import f1
from cell_pipelines.typing import BoolArray, FloatArray


def within_one_standard_error(counts: FloatArray, objective: str) -> BoolArray:
    """Return which candidates are as good as the best one, as far as the images can say.

    It is the one-standard-error rule of Breiman et al. (1984), for differences between candidates on the same images.
    Each image contributes to the difference between the best candidate and another; the standard error is that of the
    mean contribution under no difference, the root of the sum of squares over the number of images. One image
    alone therefore never decides: the difference that it makes is its own standard error.

    Args:
        counts: (I, D, 5) of I images and D candidates in the order of `threshold_choice.COUNTS`.
        objective: One of `threshold_choice.OBJECTIVES`.

    Returns:
        (D,), the best one included; all False where no candidate has a value.
    """
    images = len(counts)
    gains = _gains(counts, objective)
    if not images or not np.isfinite(gains).any():
        return np.zeros(gains.shape, dtype=np.bool_)
    best = int(np.nanargmax(gains))
    contributions = _contributions(counts, objective, best)
    error = np.sqrt((contributions**2).sum(axis=0)) / images
    return np.asarray(contributions.mean(axis=0) <= error * (1 + 1e-9) + 1e-12) & np.isfinite(gains)


def _gains(counts: FloatArray, objective: str) -> FloatArray:
    """Return the objective of each candidate over all images, the higher the better, (D,)."""
    tp, fp, fn, error, absolute = np.moveaxis(counts.sum(axis=0), -1, 0)
    if objective.startswith("f1"):
        return np.asarray(f1(tp, fp, fn))
    return np.asarray(-(absolute if objective == "count_mae" else np.abs(error)) / max(len(counts), 1))


def _contributions(counts: FloatArray, objective: str, best: int) -> FloatArray:
    """Return what each image adds to the gain of the best candidate over each, (I, D); the mean is the difference."""
    tp, fp, fn, error, absolute = np.moveaxis(counts, -1, 0)
    if not objective.startswith("f1"):
        losses = absolute if objective == "count_mae" else error * np.sign(error.sum(axis=0))
        return np.asarray(losses - losses[:, [best]])
    # F1 is a ratio of sums: with both around their mean value, the difference of the two is a mean over images.
    found, all_cells = 2 * tp, 2 * tp + fp + fn
    sizes = np.maximum(all_cells.mean(axis=0), 1e-12)
    values = found.sum(axis=0) / np.maximum(all_cells.sum(axis=0), 1e-12)
    between = (values + values[best]) / 2
    own = (found - between * all_cells) / sizes
    of_best = (found[:, [best]] - between * all_cells[:, [best]]) / sizes[best]
    return np.asarray(of_best - own)
