"""The label image of nuclei that may overlap: what two of them claim goes to the one whose centre is nearer.

Networks that outline each nucleus by itself let outlines of touching nuclei run into each other. If the first kept what
both claim, it would be given signals of its neighbour.
"""

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.typing import FloatArray, LabelImage


def label_nuclei(cells: AnnotationSet) -> LabelImage:
    """Return labels (H, W), 0 for background and otherwise 1 + the nucleus' row, of the nuclei of one image.

    A pixel that several nuclei claim goes to the one whose centroid is nearest, relative to the radius of the disc of
    the same area; of equally near ones to the first.

    Raises:
        ValueError: `cells` holds another number of images than one.
    """
    labels, lost = objects_to_labels(cells)
    if not lost.any():
        return labels
    claims = [(row, *_pixels(cells, row)) for row in _overlapping(cells, lost)]
    taken = np.zeros(labels.shape, dtype=np.int32)
    nearest = np.full(labels.shape, np.inf)
    for row, rows, columns in claims:
        far = _relative_distance(rows, columns)
        closer = far < nearest[rows, columns]
        nearest[rows[closer], columns[closer]] = far[closer]
        taken[rows[closer], columns[closer]] = row + 1
    return np.where(taken > 0, taken, labels)


def _overlapping(cells: AnnotationSet, lost: npt.NDArray[np.int64]) -> list[int]:
    """Return the rows of nuclei that lost pixels, and of those whose boxes touch theirs, who may have taken them."""
    boxes = cells.boxes
    losers = np.flatnonzero(lost)
    low, high = boxes[losers, None, :2], boxes[losers, None, 2:]
    near = ((low < boxes[None, :, 2:]) & (high > boxes[None, :, :2])).all(axis=2).any(axis=0)
    return np.flatnonzero(near).tolist()


def _pixels(cells: AnnotationSet, row: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    alone = np.zeros(cells.n_objects, dtype=np.bool_)
    alone[row] = True
    rows, columns = np.nonzero(objects_to_labels(select_objects(cells, alone))[0])
    return rows, columns


def _relative_distance(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> FloatArray:
    """Return the distance of a nucleus' pixels from its centroid, in radii of the disc of its area."""
    if not rows.size:
        return np.zeros(0)
    distance: FloatArray = np.hypot(rows - rows.mean(), columns - columns.mean())
    return distance / float(np.sqrt(rows.size / np.pi))
