"""Split connected cells at the peaks of an elevation map; only what has two peaks is looked at closely."""

import math

import cv2
import numpy as np
from scipy import ndimage

from cell_pipelines.typing import BoolMask, Float32Array, IntArray, LabelImage

_THREE = np.ones((3, 3), dtype=np.uint8)
# Up to this distance our loop is faster than SciPy's.
_NEAR_PX = 128


def squared_distance(components: LabelImage) -> Float32Array:
    """Return the squared distance (H, W) to the nearest background pixel, a whole number; 0 in the background.

    Nothing is known beyond the image, so its border is no background. Equals the square of
    `scipy.ndimage.distance_transform_edt` where there is background; the same everywhere where there is none.

    Args:
        components: (H, W) int32, each number all of one 4-connected component.
    """
    from cell_pipelines.representations.flooding import column_distances, squared_distances

    columns = column_distances(components)
    if columns.max(initial=0) <= _NEAR_PX or components.all():
        return np.asarray(squared_distances(components, columns))
    return np.asarray(np.rint(np.square(ndimage.distance_transform_edt(components))), dtype=np.float32)


def split_at_peaks(labels: LabelImage, elevation: Float32Array, min_distance_px: float) -> LabelImage:
    """Return connected cells cut apart along the valleys between their peaks.

    A peak is the highest place of its cell within `min_distance_px` in rows and columns, rounded up; of equal peaks
    each other and nearer than that, the first counts. Same cells as `skimage.feature.peak_local_max` with `labels`
    and `min_distance` followed by `skimage.segmentation.watershed`, for distances above 1.

    Args:
        labels: (H, W) int32, each number one 4-connected component.
        elevation: (H, W) float32, whole numbers, 0 outside of `labels`; places of 0 are no peaks.
        min_distance_px: Least distance of two peaks in pixels; 0 cuts nothing.

    Returns:
        Labels (H, W) of the same foreground; the first piece keeps its number, the others follow the highest.
    """
    reach = math.ceil(min_distance_px)
    if reach == 0:
        return labels
    summits = np.flatnonzero((elevation > 0) & (elevation == cv2.dilate(elevation, _THREE)))
    cell = labels.ravel()[summits]
    order = np.lexsort((-elevation.ravel()[summits], cell))
    summits, cell = summits[order], cell[order]
    summits = summits[_of_doubtful_cells(summits, cell, labels.shape[1], reach)]
    if not summits.size:
        return labels
    from cell_pipelines.representations.flooding import choose_peaks

    return _cut(labels, elevation, summits[choose_peaks(summits, labels, elevation, reach)])


def _of_doubtful_cells(summits: IntArray, cell: LabelImage, width: int, reach: int) -> BoolMask:
    """Return which summits belong to a cell with one out of reach of its highest; sorted by cell, then height."""
    first = np.flatnonzero(np.diff(cell, prepend=0))
    counts = np.diff(first, append=cell.size)
    highest = np.repeat(summits[first], counts)
    rows = np.abs(summits // width - highest // width)
    columns = np.abs(summits % width - highest % width)
    if not first.size:
        return np.zeros(0, dtype=np.bool_)
    far = np.logical_or.reduceat(np.maximum(rows, columns) >= reach, first)
    return np.repeat(far, counts)


def _cut(labels: LabelImage, elevation: Float32Array, peaks: IntArray) -> LabelImage:
    """Return cells with several peaks flooded from these; `peaks` are sorted by cell."""
    from cell_pipelines.representations.flooding import flood

    owners = labels.ravel()[peaks]
    several = np.bincount(owners, minlength=int(labels.max()) + 1) > 1
    peaks, owners = peaks[several[owners]], owners[several[owners]]
    numbers = owners.copy()
    more = np.flatnonzero(np.diff(owners, prepend=0) == 0)
    numbers[more] = several.size + np.arange(more.size)
    # 4-connected components touch no other, so no flood leaves its own.
    start = np.where(several, -1, np.arange(several.size)).astype(np.int32)
    result = start[labels.ravel()]
    result[peaks] = numbers
    flood(result, np.sort(peaks), elevation.ravel(), labels.shape[1])
    return result.reshape(labels.shape)
