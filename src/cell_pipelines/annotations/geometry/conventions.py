"""Conventions of coordinates, written down in one place.

Ours: pixel edges. Pixel column ``i`` covers ``[i, i + 1)``; a box around pixels 2..4 is ``(2, 5)``, and the centre of
pixel 2 is 2.5. x goes right, y down. The rings of a polygon are filled by the even-odd rule.

How others count, which each format's module says in full:

* pixel edges as ours: COCO (with width and height), CreateML (centre and size), CVAT, Darwin, DOTA, LabelMe, LabelMe
  XML, QuPath, TensorFlow CSV, VIA, VoTT, and the areas of ImageJ
* shares of the image: YOLO (centre and size as fractions), Label Studio (corner and size in percent)
* first and last pixel, counted from 1: Pascal VOC, where the box above is ``(3, 5)``
* first and last pixel, counted from 0: boxes of Supervisely, masks of LabelMe
* pixel centres at whole numbers, half a pixel less than ours: napari, TrackMate, point lists, points of ImageJ,
  polygons and points of Supervisely
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cell_pipelines.typing import FloatArray


def voc_to_edges(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Turn first and last pixel counted from 1 into pixel edges.

    >>> voc_to_edges((3, 3, 5, 5))
    (2.0, 2.0, 5.0, 5.0)
    """
    x_min, y_min, x_max, y_max = box
    return float(x_min) - 1, float(y_min) - 1, float(x_max), float(y_max)


def edges_to_voc(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Turn pixel edges into first and last pixel counted from 1."""
    x_min, y_min, x_max, y_max = box
    return float(x_min) + 1, float(y_min) + 1, float(x_max), float(y_max)


def edges_to_centres(boxes: FloatArray, width: int, height: int) -> FloatArray:
    """Turn boxes (N, 4) in pixel edges into centre x, y, width, height as fractions of the image."""
    low, high = boxes[:, :2], boxes[:, 2:]
    centres: FloatArray = np.concatenate([(low + high) / 2, high - low], axis=1)
    return centres / np.array([width, height, width, height], dtype=np.float64)


def centres_to_edges(centres: FloatArray, width: int, height: int) -> FloatArray:
    """Turn centre x, y, width, height as fractions of the image (N, 4) into pixel edges."""
    scaled = centres * np.array([width, height, width, height])
    half = scaled[:, 2:] / 2
    return np.concatenate([scaled[:, :2] - half, scaled[:, :2] + half], axis=1)


def clip_boxes(boxes: FloatArray, width: float, height: float) -> FloatArray:
    """Cut boxes (N, 4) in pixel edges to the image; a box wholly outside gets no area."""
    inside: FloatArray = np.clip(boxes, 0.0, np.array([width, height, width, height], dtype=np.float64))
    return inside


def box_areas(boxes: FloatArray) -> FloatArray:
    """Return the areas of boxes (N, 4) in px², 0 where a box is turned inside out."""
    areas: FloatArray = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None), axis=1)
    return areas


def to_rings(flat_rings: Sequence[Sequence[float]] | Any) -> list[FloatArray]:
    """Return rings stored as x, y, x, y, … as arrays of shape (V, 2)."""
    return [np.asarray(ring, dtype=np.float64).reshape(-1, 2) for ring in flat_rings]
