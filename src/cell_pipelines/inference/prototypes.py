"""Masks of a YOLO: prototypes weighed by an object's coefficients, drawn at the image's resolution within its box.

YOLACT (Bolya et al. 2019) makes all masks of an image of a few dozen small pictures, the prototypes. Here each object
is drawn by itself and only where its box is, so memory does not grow with the number of objects.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.columns import RunLengths, starts_of
from cell_pipelines.annotations.geometry.intervals import intervals_to_run_lengths
from cell_pipelines.typing import BoolMask, Float32Array, IntArray

# Pixels of masks that are in memory before they become run lengths.
_PIXELS_AT_A_TIME = 1 << 22
# Lower and upper neighbour of each pixel among the prototypes' pixels, and the weight of the upper.
_Neighbours = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Float32Array]


@dataclass(frozen=True, eq=False)
class Prototypes:
    """The prototypes of an image, or of a tile of one.

    Attributes:
        values: (K, h, w) float32.
        canvas: Height and width in pixels of what the network saw.
        gain: Vertical and horizontal size of a pixel of the tile on the canvas.
        corner: Row and column of the tile's corner on the canvas.
    """

    values: Float32Array
    canvas: tuple[int, int]
    gain: tuple[float, float]
    corner: tuple[int, int]

    def draw(
        self, coefficients: Float32Array, boxes: Float32Array, window: tuple[int, int, int, int], size: tuple[int, int]
    ) -> RunLengths:
        """Return the run lengths of each object in the image.

        A pixel belongs to an object when its centre lies in the object's box and the prototypes' weighted sum,
        interpolated between their pixels, is above 0 there.

        Args:
            coefficients: (N, K), the weights of the prototypes.
            boxes: (N, 4) x_min, y_min, x_max, y_max in pixels of the tile.
            window: Row, column, height and width of the tile in the image.
            size: Height and width of the image.
        """
        rows, columns = self._neighbours(window[2], 0), self._neighbours(window[3], 1)
        limits = np.array([window[3], window[2], window[3], window[2]])
        edges = np.clip(np.ceil(boxes.astype(np.float64) - 0.5), 0, limits).astype(np.int64)
        drawn: list[RunLengths] = []
        for some in _chunks(edges):
            crops = [
                self._crop(weights, rows, columns, edge)
                for weights, edge in zip(coefficients[some], edges[some].tolist(), strict=True)
            ]
            drawn.append(_to_run_lengths(crops, edges[some, :2] + np.array([window[1], window[0]]), size))
        return RunLengths(
            np.concatenate([np.empty(0, np.uint32), *(runs.values for runs in drawn)]),
            starts_of(np.concatenate([np.empty(0, np.int64), *(np.diff(runs.starts) for runs in drawn)])),
        )

    def _crop(self, weights: Float32Array, rows: _Neighbours, columns: _Neighbours, edges: list[int]) -> BoolMask:
        """Draw one object between its edges: left, top, right, bottom; (h, w) bool."""
        left, top, right, bottom = edges
        if right <= left or bottom <= top:
            return np.zeros((0, 0), np.bool_)
        above, below, down = (a[top:bottom] for a in rows)
        before, behind, along = (a[left:right] for a in columns)
        first_row, first_column = above[0], before[0]
        part = self.values[:, first_row : below[-1] + 1, first_column : behind[-1] + 1]
        logits = (weights @ part.reshape(len(part), -1)).reshape(part.shape[1:])
        tall = logits[above - first_row] * (1 - down)[:, None] + logits[below - first_row] * down[:, None]
        whole = tall[:, before - first_column] * (1 - along) + tall[:, behind - first_column] * along
        return np.asarray(whole > 0)

    def _neighbours(self, length: int, axis: int) -> _Neighbours:
        """Return where the centres of the tile's `length` pixels lie among the prototypes' pixels."""
        count = self.values.shape[1 + axis]
        centres = (np.arange(length) + 0.5) * self.gain[axis] + self.corner[axis]
        places = np.clip(centres * count / self.canvas[axis] - 0.5, 0, count - 1)
        lower = np.floor(places).astype(np.int64)
        return lower, np.minimum(lower + 1, count - 1), (places - lower).astype(np.float32)


def _chunks(edges: IntArray) -> Iterator[slice]:
    """Yield runs of objects whose boxes have no more pixels together than may be drawn at a time, one at least."""
    sides = np.maximum(edges[:, 2:] - edges[:, :2], 0)
    total = np.cumsum(sides[:, 0] * (sides[:, 1] + 1))
    begin = 0
    while begin < len(total):
        done = int(total[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, done + _PIXELS_AT_A_TIME, side="right")))
        yield slice(begin, end)
        begin = end


def _to_run_lengths(crops: list[BoolMask], corners: IntArray, size: tuple[int, int]) -> RunLengths:
    """Return the run lengths of an image (height, width) of each crop (h, w), whose corner is column and row in it."""
    # Column by column, each with a pixel of background behind it, so that no run goes on into the next.
    flat = [np.pad(crop, ((0, 1), (0, 0))).T.ravel() for crop in crops]
    pixels = np.concatenate([np.zeros(1, np.bool_), *flat])
    changes = np.flatnonzero(pixels[1:] != pixels[:-1])
    start, stop = changes[::2], changes[1::2]
    firsts = starts_of(len(one) for one in flat)
    owner = np.searchsorted(firsts, start, side="right") - 1
    column, row = np.divmod(start - firsts[owner], np.array([len(crop) + 1 for crop in crops])[owner])
    moved = (corners[owner, 0] + column) * size[0] + corners[owner, 1] + row
    return intervals_to_run_lengths(owner, moved, moved + stop - start, len(crops), size[0] * size[1])
