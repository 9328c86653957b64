"""From distances along rays to polygons, and from polygons to a label image."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import Float32Array, LabelImage

#: Row and column indices of the pixels of one polygon.
Pixels = tuple[npt.NDArray[np.int64], ...]


def to_vertices(distances: Float32Array, points: npt.NDArray[np.int32]) -> Float32Array:
    """Return the vertices (N, 2, n_rays) as row and column of distances (N, n_rays) around points (N, 2)."""
    from stardist.geometry import dist_to_coord

    return np.asarray(dist_to_coord(distances, points.astype(np.float32)), np.float32)


def paintable_pixels(vertices: Float32Array, shape: npt.NDArray[np.int32]) -> list[Pixels]:
    """Return the pixels of each polygon within an image of `shape`, by the rule of StarDist and scikit-image."""
    from skimage.draw import polygon

    return [polygon(rows, columns, tuple(shape)) for rows, columns in vertices]


def paint(
    polygons: Sequence[Pixels], shape: npt.NDArray[np.int32], min_area_px: float
) -> tuple[LabelImage, npt.NDArray[np.int64]]:
    """Return the label image of polygons from the top one down, and which of them have a label.

    A polygon gets the pixels that those above it left, and no label if these are fewer than `min_area_px` or none at
    all. What is painted later changes nothing painted before: the first labels are those of the first polygons alone.

    Args:
        polygons: Pixels of each, the top one first.
        shape: Height and width of the image.
        min_area_px: Least area of a cell.

    Returns:
        Labels (H, W) from 1 in the order of the polygons, and the index of the polygon of each label.
    """
    labels = np.zeros(tuple(shape), np.int32)
    kept: list[int] = []
    for i, (rows, columns) in enumerate(polygons):
        free = labels[rows, columns] == 0
        area = np.count_nonzero(free)
        if area and area >= min_area_px:
            kept.append(i)
            labels[rows[free], columns[free]] = len(kept)
    return labels, np.array(kept, np.int64)
