"""Centroids of annotated and predicted objects."""

import numpy as np

from cell_pipelines.analysis.evaluation.class_pair import Side
from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.windows import mask_centroids
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import select_images, select_objects
from cell_pipelines.typing import FloatArray

_MOST_PIXELS = 1 << 26


def object_centroids(cells: AnnotationSet) -> FloatArray:
    """Return the centroids (N, 2) of all objects as (row, column), each category of each image by itself.

    Where objects overlap, the surest has the pixels; but masks of an image of more than 67 million pixels, which is
    never drawn as a whole, have all their own.
    """
    centroids = np.zeros((cells.n_objects, 2))
    for image, rows in enumerate(cells.rows_by_image()):
        one = select_images(cells, [image])
        height, width = (int(one.images[side][0].as_py()) for side in ("height", "width"))
        if height * width > _MOST_PIXELS and (one.objects["geometry"].to_numpy() == GEOMETRIES.index("mask")).all():
            centroids[rows] = mask_centroids(RunLengths.from_arrow(one.objects["counts"]), height)
            continue
        for category in np.unique(one.category).tolist():
            chosen = one.category == category
            centroids[rows[chosen]] = Side(select_objects(one, chosen)).centroids
    return centroids
