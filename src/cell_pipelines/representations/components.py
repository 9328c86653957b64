"""Connected components of a mask."""

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import LabelImage


def label_components(mask: npt.NDArray[np.bool_]) -> LabelImage:
    """Return the 4-connected components of `mask` (H, W), numbered from 1: pixels that touch at a corner are two."""
    # OpenCV crashes where there is no pixel.
    if not mask.size:
        return np.zeros(mask.shape, dtype=np.int32)
    return np.asarray(cv2.connectedComponents(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)[1])
