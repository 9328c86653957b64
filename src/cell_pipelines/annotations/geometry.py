"""Conventions of coordinates and masks, written down in one place.

Ours: pixel edges. Pixel column ``i`` covers ``[i, i + 1)``; a box around pixels 2..4 is ``(2, 5)``.
Pascal VOC: the numbers of the first and last pixel, counted from 1: the same box is ``(3, 5)``.
COCO: pixel edges with width and height: ``(2, 3 wide)``. YOLO: centre and size divided by the image's size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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


def edges_to_centres(boxes: Floats, width: int, height: int) -> Floats:
    """Turn boxes (N, 4) in pixel edges into centre x, y, width, height as fractions of the image."""
    low, high = boxes[:, :2], boxes[:, 2:]
    centres: Floats = np.concatenate([(low + high) / 2, high - low], axis=1)
    return centres / np.array([width, height, width, height], dtype=np.float64)


def centres_to_edges(centres: Floats, width: int, height: int) -> Floats:
    """Turn centre x, y, width, height as fractions of the image (N, 4) into pixel edges."""
    scaled = centres * np.array([width, height, width, height])
    half = scaled[:, 2:] / 2
    return np.concatenate([scaled[:, :2] - half, scaled[:, :2] + half], axis=1)


def clip_boxes(boxes: Floats, width: float, height: float) -> Floats:
    """Cut boxes (N, 4) in pixel edges to the image; a box wholly outside gets no area."""
    inside: Floats = np.clip(boxes, 0.0, np.array([width, height, width, height], dtype=np.float64))
    return inside


def box_areas(boxes: Floats) -> Floats:
    """Return the areas of boxes (N, 4) in px², 0 where a box is turned inside out."""
    areas: Floats = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None), axis=1)
    return areas


def run_lengths_to_mask(
    counts: Sequence[int] | npt.NDArray[np.int64], height: int, width: int
) -> npt.NDArray[np.bool_]:
    """Draw COCO run lengths (column by column, background first) as a mask (H, W).

    Raises:
        ValueError: The runs do not add up to the image.
    """
    runs = np.asarray(counts, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"run lengths must add up to {height * width} pixels, got {int(runs.sum())}.")
    inside = np.arange(runs.size) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def decompress_run_lengths(text: str) -> list[int]:
    """Return the run lengths in COCO's compressed string: 5 bits a character, differences from the fourth on.

    Raises:
        ValueError: `text` is not such a string.

    >>> decompress_run_lengths("52203")
    [5, 2, 2, 2, 5]
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise ValueError(f"compressed run lengths can't hold {character!r} there")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("compressed run lengths break off")
    return runs


def mask_to_run_lengths(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint32]:
    """Return COCO run lengths of a mask (H, W), column by column, background first."""
    flat = np.concatenate([[False], mask.T.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], changes, [flat.size - 1]])).astype(np.uint32)


def mask_box(mask: npt.NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return the pixel edges around a mask (H, W); four zeros where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def to_rings(flat_rings: Sequence[Sequence[float]] | Any) -> list[Floats]:
    """Return rings stored as x, y, x, y, … as arrays of shape (V, 2)."""
    return [np.asarray(ring, dtype=np.float64).reshape(-1, 2) for ring in flat_rings]


def clip_ring(ring: Floats, width: float, height: float) -> Floats:
    """Cut a ring (V, 2) in x, y to the image (Sutherland and Hodgman 1974); empty where nothing is left."""
    for axis, bound, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        ring = _clip_half_plane(ring, axis, bound, sign)
    return ring


def _clip_half_plane(ring: Floats, axis: int, bound: float, sign: int) -> Floats:
    if not len(ring):
        return ring
    depth = (ring[:, axis] - bound) * sign
    kept: list[Floats] = []
    for i, here in enumerate(ring):
        before = i - 1
        if (depth[i] >= 0) != (depth[before] >= 0):
            share = depth[before] / (depth[before] - depth[i])
            kept.append(ring[before] + share * (here - ring[before]))
        if depth[i] >= 0:
            kept.append(here)
    return np.array(kept, dtype=np.float64).reshape(-1, 2)


def polygon_area(rings: Sequence[Floats]) -> float:
    """Return the area of rings of shape (V, 2) by the shoelace formula, each counted positive."""
    return float(sum(abs(_signed_area(ring)) for ring in rings))


def _signed_area(ring: Floats) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
