"""Connected components of a mask, and pieces of cells."""

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


def label_pieces(labels: LabelImage) -> LabelImage:
    """Return labels (H, W) in which each piece of a cell is one; pixels that touch at a corner are one piece."""
    if not labels.size:
        return labels
    from skimage.measure import label

    return np.asarray(label(labels, connectivity=2, background=0), dtype=np.int32)
