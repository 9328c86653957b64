"""Measure how uncertain a model is about an image: entropy of pixels near cells, or of objects that may be cells.

Sums and numbers are returned, so that classes and tiles add up; an image's uncertainty is their ratio, which does not
grow with the image or with the number of its cells.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.active_learning.probabilities import (
    LEAST_PROBABILITY,
    entropy,
    from_probabilities,
    to_probabilities,
)


@dataclass(frozen=True)
class Uncertainty:
    """Summed entropy of what may be cells.

    Attributes:
        bits: Sum of the binary entropies.
        number: How many pixels or objects they are of.
    """

    bits: float = 0.0
    number: int = 0

    def __add__(self, other: "Uncertainty") -> "Uncertainty":
        """Add another class of the same image."""
        return Uncertainty(self.bits + other.bits, self.number + other.number)

    @property
    def mean(self) -> float:
        """Mean entropy in bits, in [0, 1]; 0 where nothing may be a cell."""
        return self.bits / self.number if self.number else 0.0


def map_uncertainty(
    probabilities: npt.NDArray[Any], threshold: float, *, reach_px: int = 3, least: float = LEAST_PROBABILITY
) -> Uncertainty:
    """Return the entropy of the pixels that may be cells and of those around them.

    Args:
        probabilities: (H, W), float in [0, 1] or, as they are stored, uint16 in steps of 1/65535.
        threshold: From which on a pixel belongs to a cell; there a pixel has 1 bit.
        reach_px: Pixels up to so far (rows and columns) from one that may be a cell are near it, 0 or more.
        least: Smallest probability of a pixel that may be a cell, see `probabilities.to_probabilities`.

    Returns:
        Sum and number of pixels; (0, 0) for an image without cells that is sure of it.
    """
    from scipy import ndimage

    if reach_px < 0:
        raise ValueError(f"`reach_px` must be 0 or more, got {reach_px}.")
    full = 65535 if probabilities.dtype == np.uint16 else 1
    possible = probabilities >= from_probabilities(least, threshold) * full
    near = ndimage.maximum_filter(possible.view(np.uint8), size=2 * reach_px + 1) > 0
    calibrated = to_probabilities(probabilities[near] / full, threshold)
    return Uncertainty(float(entropy(calibrated).sum()), int(calibrated.size))


def object_uncertainty(
    scores: npt.NDArray[Any], thresholds: npt.ArrayLike, *, least: float = LEAST_PROBABILITY
) -> Uncertainty:
    """Return the entropy of the objects that are cells by their score or may be.

    Args:
        scores: (N,) of one image, those below the threshold included, in [0, 1].
        thresholds: (N,) or one number: from which score on an object counts; there it has 1 bit.
        least: Smallest probability of an object that is looked at, see `probabilities.to_probabilities`.

    Returns:
        Sum and number of objects; (0, 0) where there is none.
    """
    calibrated = to_probabilities(scores, thresholds)
    calibrated = calibrated[calibrated >= least]
    return Uncertainty(float(entropy(calibrated).sum()), int(calibrated.size))
