"""Check label images for every representation and weight map."""

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import LabelImage


def check_labels(labels: npt.NDArray[np.integer]) -> LabelImage:
    """Return labels (H, W) as int32 in C order; the same array if it is so already.

    Raises:
        TypeError: They are not whole numbers.
        ValueError: They are not two-dimensional, or some are negative or too large for int32.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"`labels` must be whole numbers, got {labels.dtype}.")
    if labels.ndim != 2:
        raise ValueError(f"`labels` must have the shape (H, W), got {labels.shape}.")
    if labels.size and (labels.min() < 0 or labels.max() > np.iinfo(np.int32).max):
        raise ValueError(f"`labels` must lie between 0 and 2^31 - 1, got {labels.min()} to {labels.max()}.")
    return np.ascontiguousarray(labels, np.int32)
