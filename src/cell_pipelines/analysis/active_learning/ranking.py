"""In which order images are worth annotating: expected gain by rank, and no two alike among the first."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.typing import FloatArray, IntArray

#: What speaks for an image; the more of each, the better.
PARTS: Final = ("disagreement", "count_spread", "uncertainty", "novelty")


def relative_ranks(values: npt.ArrayLike) -> FloatArray:
    """Return the place of each value among all, in (0, 1), the greatest highest; equal ones share the mean place.

    Nan stays nan and takes no place.

    Example:
        >>> relative_ranks([5.0, 1.0, 5.0, float("nan")]).round(3).tolist()
        [0.667, 0.167, 0.667, nan]
    """
    from scipy.stats import rankdata

    given = np.asarray(values, dtype=np.float64)
    known = np.isfinite(given)
    places = np.full(given.shape, np.nan)
    if known.any():
        places[known] = (rankdata(given[known]) - 0.5) / known.sum()
    return places


def expected_gain(parts: pd.DataFrame, weights: Mapping[str, float]) -> FloatArray:
    """Return the weighted mean of the ranks that images have in each part, in (0, 1); higher is better.

    Ranks need no common scale: an entropy in bits and a share of cells count alike.

    Args:
        parts: One row per image, a column for each of `PARTS`. A part that is nan throughout counts for no image, one
            that is nan for some images not for these.
        weights: Of each part, 0 or more; a part that is not named counts 0.

    Returns:
        (N,); nan for an image of which no part is known.

    Raises:
        ValueError: A weight is negative or of an unknown part, or all are 0.
    """
    unknown = sorted(set(weights) - set(PARTS))
    if unknown or any(weight < 0 for weight in weights.values()) or not sum(weights.values()):
        known = ", ".join(PARTS)
        raise ValueError(f"`weights` must be 0 or more, one above 0, of {known}; got {dict(weights)}.")
    used = [name for name in PARTS if weights.get(name)]
    ranks = np.stack([relative_ranks(parts[name]) for name in used], axis=1).reshape(len(parts), len(used))
    share = np.where(np.isnan(ranks), 0.0, np.array([weights[name] for name in used]))
    total = share.sum(axis=1)
    gain = (np.nan_to_num(ranks) * share).sum(axis=1)
    known = np.divide(gain, total, out=np.full(len(parts), np.nan), where=total > 0)
    return np.asarray(known, dtype=np.float64)


def diverse_order(gain: FloatArray, alike: FloatArray, *, diversity: float = 0.5) -> IntArray:
    """Return images in the order in which they are to be annotated, one after the other.

    Next is always the image with the greatest gain x (1 - diversity x its likeness to the most similar one chosen
    before), so a copy of a chosen image waits, and a dull image does not come first because it is odd. Without
    diversity this is the order of the gain; with all of it, and equal gains, it is the greedy k-centre choice
    (Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5), as used for active learning by Sener & Savarese (2018,
    arXiv:1708.00489).

    Args:
        gain: (N,) 0 or more; images of nan come last.
        alike: (N, N) in [0, 1], as `features.similarities` gives it.
        diversity: How much likeness counts, in [0, 1].

    Returns:
        (N,) rows, the best first; of equal ones the first.
    """
    if not 0 <= diversity <= 1:
        raise ValueError(f"`diversity` must lie in [0, 1], got {diversity}.")
    left = np.where(np.isfinite(gain), gain, -1.0)
    nearest, order = np.zeros(len(left)), []
    for _ in range(len(left)):
        worth = np.where(left >= 0, left * (1 - diversity * nearest), left)
        best = int(np.argmax(worth))
        order.append(best)
        left[best] = -2.0
        nearest = np.maximum(nearest, alike[best])
    return np.array(order, dtype=np.int64)
