"""Centroids of annotated and predicted objects."""

import numpy as np

from cell_pipelines.analysis.evaluation.class_pair import Side
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images, select_objects
from cell_pipelines.typing import FloatArray


def object_centroids(cells: AnnotationSet) -> FloatArray:
    """Return the centroids (N, 2) of all objects as (row, column), each category of each image by itself."""
    centroids = np.zeros((cells.n_objects, 2))
    for image, rows in enumerate(cells.rows_by_image()):
        one = select_images(cells, [image])
        for category in np.unique(one.category).tolist():
            chosen = one.category == category
            centroids[rows[chosen]] = Side(select_objects(one, chosen)).centroids
    return centroids
