"""Calibrate scores on labelled images: how often a model is right at a score, so that models' scores compare."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import FloatArray

_BINS: Final = 20
_LEAST_IN_BIN: Final = 10


@dataclass(frozen=True, eq=False)
class Calibration:
    """Share of right predictions over the score.

    Attributes:
        scores: (K,) rising.
        shares: (K,) not falling, in (0, 1).
    """

    scores: FloatArray
    shares: FloatArray

    def confidence(self, scores: npt.ArrayLike) -> FloatArray:
        """Return the share of right predictions at scores of any shape; beyond those seen as at the nearest."""
        return np.asarray(np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.shares))


def fit_calibration(scores: npt.ArrayLike, is_right: npt.ArrayLike) -> Calibration:
    """Learn how often predictions of a score are right.

    Predictions are put into up to twenty bins of like number by their score. A bin with k right ones of n stands for
    (k + 1/2) / (n + 1), so that few never give certainty; the shares are then made to rise with the score (isotonic
    regression). Labels that are wrong make a model look a little worse than it is, at all scores alike, and leave the
    order as it is.

    Args:
        scores: (N,) in [0, 1].
        is_right: (N,) bool, whether each found a label of its class.

    Returns:
        The calibration; without predictions 0.5 at every score.
    """
    from scipy.optimize import isotonic_regression

    given, right = np.asarray(scores, dtype=np.float64), np.asarray(is_right, dtype=np.float64)
    if given.shape != right.shape or given.ndim != 1:
        raise ValueError(f"`scores` and `is_right` must be (N,), got {given.shape} and {right.shape}.")
    if not given.size:
        return Calibration(np.array([0.0]), np.array([0.5]))
    order = np.argsort(given, kind="stable")
    bins = np.array_split(order, int(np.clip(given.size // _LEAST_IN_BIN, 1, _BINS)))
    shares = np.array([(right[rows].sum() + 0.5) / (len(rows) + 1) for rows in bins])
    risen = isotonic_regression(shares, weights=np.array([len(rows) for rows in bins], dtype=np.float64)).x
    return Calibration(np.array([given[rows].mean() for rows in bins]), np.asarray(risen, dtype=np.float64))
