"""Holes: background that cells enclose; what reaches the image's border is no hole."""

import cv2
import numpy as np

from cell_pipelines.representations.components import label_components
from cell_pipelines.typing import BoolMask, LabelImage

_OUTSIDE = 2


def fill_holes(mask: BoolMask) -> BoolMask:
    """Return `mask` (H, W) with its holes filled, exactly as `scipy.ndimage.binary_fill_holes` does."""
    padded = cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(padded, None, (0, 0), _OUTSIDE, flags=4)
    return np.asarray(padded[1:-1, 1:-1] != _OUTSIDE)


def fill_enclosed(labels: LabelImage) -> LabelImage:
    """Return labels (H, W) with each hole given to the cell around it; a hole between two cells stays.

    So a cell inside a ring-shaped one survives, unlike where the foreground's holes are filled.
    """
    holes = fill_holes(labels > 0) & (labels == 0)
    if not holes.any():
        return labels
    regions = label_components(holes)
    count = int(regions.max()) + 1
    low = np.full(count, np.iinfo(np.int32).max, dtype=np.int32)
    high = np.zeros(count, dtype=np.int32)
    # No hole reaches the border, so its neighbours' places exist.
    places = np.flatnonzero(holes)
    region = regions.ravel()[places]
    for step in (-labels.shape[1], -1, 1, labels.shape[1]):
        beside = labels.ravel()[places + step]
        known = beside > 0
        np.minimum.at(low, region[known], beside[known])
        np.maximum.at(high, region[known], beside[known])
    filled = labels.copy()
    filled.ravel()[places] = np.where(low == high, high, 0)[region]
    return filled
