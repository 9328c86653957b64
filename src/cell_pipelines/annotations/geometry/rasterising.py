"""Polygons drawn as pixels: a pixel is inside when its centre is, by the even-odd rule."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.geometry.intervals import Counts, interval_boxes, intervals_to_run_lengths
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.typing import BoolMask, FloatArray, IntArray

# Crossings of edges with columns that are held at a time, so that no polygon needs more memory than its image.
_CROSSINGS_AT_A_TIME = 1 << 20
# Far beyond any image, and near enough that differences keep their digits.
_FARTHEST = 1e12


class Spans(NamedTuple):
    """Pieces of columns that objects fill, by object, column and row; those of one object never touch in a column.

    Attributes:
        object: (S,) number of the object.
        column: (S,) the column.
        start: (S,) first row.
        stop: (S,) row after the last.
    """

    object: IntArray
    column: IntArray
    start: IntArray
    stop: IntArray

    def intervals(self, height: int) -> tuple[IntArray, IntArray, IntArray]:
        """Return object, start and stop of each span, pixels counted column by column."""
        return self.object, self.column * height + self.start, self.column * height + self.stop


def polygons_to_spans(
    vertices: FloatArray, ring_starts: IntArray, object_of_ring: IntArray, height: int, width: int
) -> Spans:
    """Return the pixels of all polygons of an image at once, by columns as run lengths want them.

    Where an edge crosses the line through the centres of a column, the pixels below change sides. A centre exactly on
    an edge belongs to the polygon on its right or below it, so that polygons that share an edge neither share nor miss
    a pixel.

    Args:
        vertices: (V, 2) as x, y in pixel edges, ring after ring, at most 1e12.
        ring_starts: (R,) first vertex of each ring.
        object_of_ring: (R,) number of the object each ring belongs to, in any order.
        height: Height of the image.
        width: Width of the image.
    """
    if not (np.abs(vertices) <= _FARTHEST).all():
        raise ValueError(f"`vertices` must be finite and at most {_FARTHEST:g}.")
    toggles = _toggles(_edges(vertices, ring_starts, object_of_ring), height, width)
    line, start = np.divmod(toggles[::2], height + 1)
    of, column = np.divmod(line, max(width, 1))
    return Spans(of, column, start, toggles[1::2] % (height + 1))


def _toggles(edges: tuple[IntArray, FloatArray, FloatArray], height: int, width: int) -> IntArray:
    """Return in order, as one number each, the objects, columns and rows at which inside and outside change."""
    owner, low, high = edges
    toggles = np.zeros(0, dtype=np.int64)
    fresh: list[IntArray] = []
    waiting = 0
    for number, column in _crossed_columns(low[:, 0], high[:, 0], width):
        (x0, y0), (x1, y1) = low[number].T, high[number].T
        y = y0 + (column + 0.5 - x0) * ((y1 - y0) / (x1 - x0))
        row = np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64)
        fresh.append((owner[number] * width + column) * (height + 1) + row)
        waiting += number.size
        if waiting >= max(_CROSSINGS_AT_A_TIME, toggles.size):
            toggles, fresh, waiting = _odd_ones(np.concatenate([toggles, *fresh])), [], 0
    return _odd_ones(np.concatenate([toggles, *fresh]))


def _edges(
    vertices: FloatArray, ring_starts: IntArray, object_of_ring: IntArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return object, left end and right end of each edge that is not upright, ring closed.

    An edge that two polygons share comes out the same for both, whichever way they turn.
    """
    lengths = np.diff(np.append(ring_starts, len(vertices)))
    following = np.arange(1, len(vertices) + 1)
    filled = lengths > 0
    following[(ring_starts + lengths)[filled] - 1] = np.asarray(ring_starts)[filled]
    ahead = vertices[following]
    leans = vertices[:, 0] != ahead[:, 0]
    owner = np.repeat(object_of_ring, lengths)[leans]
    here, ahead = vertices[leans], ahead[leans]
    forwards = (here[:, 0] < ahead[:, 0])[:, None]
    return owner, np.where(forwards, here, ahead), np.where(forwards, ahead, here)


def _crossed_columns(left: FloatArray, right: FloatArray, width: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield edges and the columns whose centre lies in [left, right), some at a time."""
    first = np.clip(np.ceil(left - 0.5), 0, width).astype(np.int64)
    last = np.clip(np.ceil(right - 0.5), 0, width).astype(np.int64)
    total = np.cumsum(last - first)
    begin = 0
    while begin < total.size:
        done = int(total[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, done + _CROSSINGS_AT_A_TIME)))
        length = (last - first)[begin:end]
        offset = total[begin:end] - length - done
        step = np.arange(int(length.sum())) - np.repeat(offset, length)
        yield np.repeat(np.arange(begin, end), length), np.repeat(first[begin:end], length) + step
        begin = end


def _odd_ones(keys: IntArray) -> IntArray:
    """Return in order the values that come an odd number of times; two changes at one place are none."""
    keys = np.sort(keys)
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: keys.size])
    times = np.diff(np.append(first, keys.size))
    odd: IntArray = keys[first[times % 2 == 1]]
    return odd


def polygons_to_run_lengths(rings: Rings, height: int, width: int) -> tuple[Counts, IntArray, FloatArray]:
    """Return what many polygons of one image cover: run lengths, where each object's start, and boxes (N, 4) around.

    An object that covers no pixel is all background; its box is four zeros.
    """
    owner, start, stop = rings_to_spans(rings, height, width).intervals(height)
    runs = intervals_to_run_lengths(owner, start, stop, len(rings), height * width)
    return runs.values, runs.starts, interval_boxes(owner, start, stop, len(rings), height)


def rings_to_spans(rings: Rings, height: int, width: int) -> Spans:
    """Return the pixels of all polygons of an image as `polygons_to_spans` does."""
    object_of_ring = np.repeat(np.arange(len(rings)), np.diff(rings.object_starts))
    return polygons_to_spans(rings.vertices, rings.ring_starts[:-1], object_of_ring, height, width)


def rings_to_run_lengths(rings: Sequence[FloatArray], height: int, width: int) -> Counts:
    """Return the COCO run lengths of one polygon of rings of shape (V, 2)."""
    return polygons_to_run_lengths(Rings.from_lists([rings]), height, width)[0]


def rings_to_mask(rings: Sequence[FloatArray], height: int, width: int) -> BoolMask:
    """Draw one polygon of rings of shape (V, 2) as a mask (H, W): even-odd, a pixel by its centre."""
    return run_lengths_to_mask(rings_to_run_lengths(rings, height, width), height, width)
