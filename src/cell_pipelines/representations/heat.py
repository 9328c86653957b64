"""One map per category of how sure a network is that a pixel lies in a cell, whatever its scores stand for."""

from typing import Final

import cv2
import numpy as np

from cell_pipelines.representations.base import Representation, Scores
from cell_pipelines.representations.maps import FULL
from cell_pipelines.representations.rescaled import Rescaled
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array

# Maps of being in a cell, the whole one before its parts.
_NAMES: Final = ("foreground", "cell")
# Candidates are sure by themselves; to be seen they are drawn down to this score.
_LEAST: Final = 0.05


def heat_map(representation: Representation, scores: Scores, shape: tuple[int, int]) -> Float32Array:
    """Return the probability of being in a cell.

    Args:
        representation: What the scores belong to.
        scores: Stored scores of one image and category.
        shape: Height and width of the image.

    Returns:
        (H, W) float32 in [0, 1]: the stored map of being in a cell; of candidates, such as star-convex polygons, which
        have no map, the score of the cell that lies at each pixel, down to a score of 0.05.
    """
    for name in _NAMES:
        if name in scores and scores[name].ndim == 2:
            heat = np.asarray(scores[name].astype(np.float32) / np.float32(FULL))
            return heat if heat.shape == shape else np.asarray(cv2.resize(heat, shape[::-1]), dtype=np.float32)
    found = Rescaled(representation, shape).decode(scores, Threshold(score=_LEAST))
    return np.append(np.float32(0), found.scores.astype(np.float32))[found.labels]
