"""p-values of several tests, adjusted so that together they are wrong no more often than one would be."""

import numpy as np
import numpy.typing as npt


def adjust_holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return p-values (P,) after Holm (1979, Scand. J. Statist. 6, 65-70), over those that are known; NaN stays.

    The same as statsmodels' `multipletests`, which collects the garbage of the whole process and so takes 0.3 s per
    call.
    """
    known = np.flatnonzero(np.isfinite(p))
    ordered = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    adjusted[ordered] = np.minimum(np.maximum.accumulate(p[ordered] * np.arange(len(ordered), 0, -1)), 1.0)
    return adjusted


def adjust_benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return p-values (P,) after Benjamini & Hochberg (1995, J. R. Statist. Soc. B 57, 289-300); NaN stays.

    Those up to q are expected to hold a part of q, at most, of which the hypothesis is true.
    """
    known = np.flatnonzero(np.isfinite(p))
    ordered = known[np.argsort(p[known], kind="stable")]
    scaled = p[ordered] * len(ordered) / np.arange(1, len(ordered) + 1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[ordered] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
