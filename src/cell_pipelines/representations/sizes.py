"""Sizes for decoding that follow from the average cell."""

import math
from typing import Final

from cell_pipelines.thresholds import Threshold

# Morelli et al. (2021): cells of 25 px radius, objects under 200 px (0.10 of the area) dropped, peaks of the distance
# sought in a square of 40 px, which is 20 px (0.40 of the diameter) to each side.
_AREA_SHARE: Final = 0.1
_DIAMETER_SHARE: Final = 0.4


def threshold_for(mean_area_px: float) -> Threshold:
    """Return threshold 0.5, a least area and a least distance of centres for cells of this average area.

    The least area is 0.1 of the average: debris goes, cells cut by the image's border mostly stay. The least distance
    is 0.4 of the diameter of a disc of that area: the centres of two average cells that touch or overlap somewhat lie
    farther apart, bumps of one cell nearer.

    Raises:
        ValueError: The area is not above 0 and finite.
    """
    if not 0 < mean_area_px < math.inf:
        raise ValueError(f"`mean_area_px` must be finite and above 0, got {mean_area_px}.")
    diameter = 2 * math.sqrt(mean_area_px / math.pi)
    return Threshold(score=0.5, min_area_px=_AREA_SHARE * mean_area_px, min_distance_px=_DIAMETER_SHARE * diameter)
