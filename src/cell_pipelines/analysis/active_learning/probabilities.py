"""Convert scores to probabilities of being a cell by the model's own threshold, and measure their entropy."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import FloatArray

#: Objects and pixels of a smaller probability are background that no one would ask about.
LEAST_PROBABILITY: Final = 0.1
# Thresholds of 0 and 1 would make every score certain.
_INSIDE: Final = 0.01


def to_probabilities(scores: npt.ArrayLike, thresholds: npt.ArrayLike) -> FloatArray:
    """Return scores with their odds divided by the odds of the threshold: 0.5 is where the model changes its mind.

    Models are sure at different scores: a network may cut at 0.87 and a detector at 0.3, so that a score of 0.5 is a
    clear no of the one and a clear yes of the other.

    Args:
        scores: Any shape, in [0, 1].
        thresholds: The same shape or one number, in [0, 1]; taken as 0.01 to 0.99.

    Returns:
        float64 of the shape of `scores`, in [0, 1], in the same order as the scores.

    Example:
        >>> to_probabilities([0.0, 0.8, 1.0], 0.8).tolist()
        [0.0, 0.5, 1.0]
    """
    score = np.asarray(scores, dtype=np.float64)
    threshold = np.clip(np.asarray(thresholds, dtype=np.float64), _INSIDE, 1 - _INSIDE)
    yes, no = score * (1 - threshold), (1 - score) * threshold
    return np.asarray(yes / (yes + no))


def from_probabilities(probability: float, threshold: float) -> float:
    """Return the score that has a probability, the other way round than `to_probabilities`.

    >>> round(from_probabilities(0.5, 0.87), 6)
    0.87
    """
    limit = float(np.clip(threshold, _INSIDE, 1 - _INSIDE))
    yes, no = probability * limit, (1 - probability) * (1 - limit)
    return yes / (yes + no)


def entropy(probabilities: npt.ArrayLike) -> FloatArray:
    """Return the binary entropy -p log2 p - (1 - p) log2 (1 - p) in bits: 1 at 0.5, 0 at 0 and at 1.

    Args:
        probabilities: Any shape, in [0, 1].
    """
    p = np.asarray(probabilities, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return np.asarray(np.where((p <= 0) | (p >= 1), 0.0, bits))
