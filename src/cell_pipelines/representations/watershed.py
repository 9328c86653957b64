"""Touching cells cut apart: a watershed on the distance from the border, from the cells' centres."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cell_pipelines.typing import BoolMask, Float32Array, LabelImage

_EIGHT = np.ones((3, 3), dtype=np.bool_)
# Pixels make the distance's ridge bumpy; smoothing by this much leaves one centre a cell.
_SMOOTH_PX = 1.0


def split_touching(mask: BoolMask, method: Literal["none", "min_distance", "h_maxima"], size_px: float) -> LabelImage:
    """Return a foreground as single cells; pixels that touch at a corner only are two cells.

    Args:
        mask: (H, W) foreground.
        method: ``none`` leaves what touches together. ``min_distance`` takes for a cell's centre each place farthest
            from the border within `size_px`. ``h_maxima`` takes each that is at least `size_px` farther from the
            border than the pass to the next.
        size_px: Distance or depth in pixels.

    Returns:
        Labels (H, W) int32 of exactly the foreground.
    """
    labels: LabelImage = ndimage.label(mask)[0].astype(np.int32)
    if method == "none" or not mask.any():
        return labels
    # Beyond the image nothing is known, so its border is no border of a cell.
    distance = ndimage.distance_transform_edt(mask).astype(np.float32)
    distance = ndimage.gaussian_filter(distance, _SMOOTH_PX, mode="nearest")
    distance[~mask] = 0
    next_label = int(labels.max()) + 1
    # Numbers in place are only ever replaced by new ones, so boxes found before stay right.
    boxes = ndimage.find_objects(labels)
    for number in _with_several_peaks(labels, distance).tolist():
        window = labels[boxes[number - 1]]
        own = window == number
        pieces = _split_one(np.where(own, distance[boxes[number - 1]], 0), own, method, size_px)
        window[pieces > 1] = pieces[pieces > 1] + (next_label - 2)
        next_label += max(int(pieces.max()) - 1, 0)
    return labels


def _with_several_peaks(labels: LabelImage, distance: Float32Array) -> npt.NDArray[np.int64]:
    """Return the components that may be more than one cell: those whose distance has more than one peak."""
    from skimage.morphology import local_maxima

    peaks, count = ndimage.label(local_maxima(distance), structure=_EIGHT)
    owner = np.zeros(count + 1, dtype=np.int64)
    owner[peaks] = labels
    peaks_of = np.bincount(owner[1:], minlength=1)
    peaks_of[0] = 0
    return np.flatnonzero(peaks_of > 1)


def _split_one(
    distance: Float32Array, own: BoolMask, method: Literal["min_distance", "h_maxima"], size_px: float
) -> LabelImage:
    """Return one component as pieces numbered from 1; as one piece where it has no two centres."""
    from skimage.segmentation import watershed

    peaks = _far_apart(distance, size_px) if method == "min_distance" else _deep(distance, size_px)
    centres, count = ndimage.label(peaks & own, structure=_EIGHT)
    if count < 2:
        return own.astype(np.int32)
    return np.asarray(watershed(-distance, centres, mask=own), dtype=np.int32)


def _far_apart(distance: Float32Array, least_px: float) -> BoolMask:
    from skimage.feature import peak_local_max

    peaks = np.zeros(distance.shape, dtype=np.bool_)
    places = peak_local_max(distance, min_distance=max(1, round(least_px)), exclude_border=False)
    peaks[tuple(places.T)] = True
    return peaks


def _deep(distance: Float32Array, depth_px: float) -> BoolMask:
    """Return the plateaus that are left where all peaks are lowered by `depth_px`, but not below their passes."""
    from skimage.morphology import local_maxima, reconstruction

    lowered = reconstruction(np.maximum(distance - np.float32(depth_px), 0), distance, method="dilation")
    return np.asarray(local_maxima(lowered))
