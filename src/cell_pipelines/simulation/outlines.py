"""Compute the distance of each pixel of a label image from the outlines of the cells."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from cell_pipelines.typing import Float32Array, FloatArray, LabelImage


class Outlines(NamedTuple):
    """Distances from the outlines of the cells.

    Attributes:
        inside: float32 (H, W), distance of a cell's pixel from the next pixel of another cell or of the background,
            in pixels; 0 in the background.
        outside: float32 (H, W), distance of a pixel of the background from the next cell, infinite where there is
            none; 0 in the cells.
        owner: int32 (H, W), the cell that a pixel belongs to or lies next to; 0 where there is none.
    """

    inside: Float32Array
    outside: Float32Array
    owner: LabelImage


def measure_outlines(labels: LabelImage) -> Outlines:
    """Measure how far each pixel of a label image, int32 (H, W), lies from the outlines of the cells."""
    cells = labels > 0
    if not cells.any():
        nothing = np.zeros(labels.shape, dtype=np.float32)
        return Outlines(nothing, np.full_like(nothing, np.inf), np.zeros_like(labels))
    outside, nearest = cv2.distanceTransformWithLabels(
        (~cells).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owners = np.zeros(int(nearest.max()) + 1, dtype=np.int32)
    owners[nearest[cells]] = labels[cells]
    inside = _distance_inside(labels)
    return Outlines(inside, np.asarray(outside, dtype=np.float32), owners[nearest])


def _distance_inside(labels: LabelImage) -> Float32Array:
    apart = (labels > 0).astype(np.uint8)
    for axis in (0, 1):
        differs = np.diff(labels, axis=axis) != 0
        here = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
        apart[here][differs] = 0
    if apart.all():
        return np.full(labels.shape, max(labels.shape), dtype=np.float32)
    return np.asarray(cv2.distanceTransform(apart, cv2.DIST_L2, 5), dtype=np.float32)


def spread_values(values: FloatArray, labels: LabelImage) -> Float32Array:
    """Give each pixel the value of its cell, float32 (H, W), and 0 in the background.

    Args:
        values: float64 (N,), a value for each cell.
        labels: int32 (H, W), ids 1 to N.
    """
    table = np.concatenate([[0.0], values]).astype(np.float32)
    return table[labels]
