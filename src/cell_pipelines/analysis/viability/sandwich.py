"""Variance of the parameters of a fitted curve from how units, or clusters of them, scatter around it."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import FloatArray

_LEAST_KEPT: Final = 0.05  # of 1 less a unit's leverage


def over_units(
    design: FloatArray, inverse: FloatArray, pearson: FloatArray, dispersion: float
) -> tuple[FloatArray, FloatArray]:
    """Return what the sandwich over units multiplies each standard error by, 1 or more, and its degrees of freedom.

    Args:
        design: (N, F) weighted slopes of the curve by each of F parameters.
        inverse: (F, F) of design' design.
        pearson: (N,) Pearson residuals.
        dispersion: Variance over the binomial one that all units together have.
    """
    kept = np.eye(len(design)) - design @ inverse @ design.T
    parts = inverse @ design.T / np.sqrt(np.maximum(np.diag(kept), _LEAST_KEPT))
    variance = parts**2 @ pearson**2
    factors = np.sqrt(np.maximum(variance / np.maximum(dispersion * np.diag(inverse), 1e-300), 1.0))
    expected = parts**2 @ np.diag(kept)
    squares = np.einsum("fi,fj,ij->f", parts**2, parts**2, kept**2)
    return factors, np.maximum(expected**2 / np.maximum(squares, 1e-300), 1.0)


def over_clusters(
    cluster: npt.NDArray[np.int64], design: FloatArray, inverse: FloatArray, pearson: FloatArray
) -> FloatArray:
    """Return the sandwich variance (F, F) over clusters, residuals divided by 1 - leverage as in the jackknife.

    Args:
        cluster: (N,) number of the cluster of each unit, from 0 without a gap.
        design: (N, F), as in `over_units`.
        inverse: (F, F) of design' design.
        pearson: (N,) Pearson residuals.
    """
    count = int(cluster.max()) + 1
    shifts = np.zeros((count, design.shape[1]))
    for number in range(count):
        own = cluster == number
        leverage = design[own] @ inverse @ design[own].T
        lone = np.linalg.pinv(np.eye(int(own.sum())) - leverage, rcond=1e-8) @ pearson[own]
        shifts[number] = inverse @ design[own].T @ lone
    return np.asarray((count - 1) / count * shifts.T @ shifts)
