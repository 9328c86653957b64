"""Ragged columns as flat arrays: rings and run lengths of many objects without a Python object each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cell_pipelines.annotations.schema import OBJECT_SCHEMA
from cell_pipelines.typing import IntArray


@dataclass(frozen=True, eq=False)
class Rings:
    """The rings of N objects, one after the other.

    Attributes:
        vertices: (V, 2) float64 as x, y in pixel edges.
        ring_starts: (R + 1,) first vertex of each ring, and V at the end.
        object_starts: (N + 1,) first ring of each object, and R at the end; an object without rings has none.
    """

    vertices: npt.NDArray[np.float64]
    ring_starts: IntArray
    object_starts: IntArray

    def __len__(self) -> int:
        return len(self.object_starts) - 1

    @property
    def vertex_starts(self) -> IntArray:
        """First vertex of each object, and V at the end, shape (N + 1,)."""
        starts: IntArray = self.ring_starts[self.object_starts]
        return starts

    def boxes(self) -> npt.NDArray[np.float64]:
        """Return the box of each object's vertices, shape (N, 4); NaN for an object without vertices."""
        boxes = np.full((len(self), 4), np.nan)
        starts = self.vertex_starts
        filled = np.flatnonzero(np.diff(starts))
        if filled.size:
            # Objects without vertices take no place between two starts.
            boxes[filled, :2] = np.minimum.reduceat(self.vertices, starts[filled])
            boxes[filled, 2:] = np.maximum.reduceat(self.vertices, starts[filled])
        return boxes

    def of(self, row: int) -> list[npt.NDArray[np.float64]]:
        """Return the rings of one object, each of shape (V, 2)."""
        first, last = self.object_starts[row : row + 2]
        bounds = self.ring_starts[first : last + 1].tolist()
        return [self.vertices[a:b] for a, b in pairwise(bounds)]

    def take(self, start: int, stop: int) -> "Rings":
        """Return the rings of the objects `start` to `stop`."""
        rings = self.object_starts[start : stop + 1]
        ring_starts = self.ring_starts[rings[0] : rings[-1] + 1]
        return Rings(self.vertices[ring_starts[0] : ring_starts[-1]], ring_starts - ring_starts[0], rings - rings[0])

    def to_arrow(self) -> pa.Array:
        """Return the column `rings` of `OBJECT_SCHEMA`; null where an object has none."""
        inner = pa.ListArray.from_arrays(
            pa.array(2 * self.ring_starts, pa.int32()), pa.array(np.ascontiguousarray(self.vertices).ravel())
        )
        return _list_array(self.object_starts, inner)

    @classmethod
    def from_arrow(cls, column: pa.ChunkedArray | pa.Array) -> "Rings":
        """Return the rings of the column `rings` of `OBJECT_SCHEMA`."""
        whole = _combined(column, OBJECT_SCHEMA.field("rings").type)
        object_starts = _starts(whole)
        inner = whole.flatten()
        ring_starts = _starts(inner)
        values = inner.flatten().to_numpy(zero_copy_only=False)
        return cls(values.reshape(-1, 2), ring_starts // 2, object_starts)

    @classmethod
    def from_lists(cls, objects: Sequence[Sequence[npt.NDArray[np.float64]]]) -> "Rings":
        """Return the rings of objects given as lists of arrays (V, 2)."""
        rings = [ring for one in objects for ring in one]
        vertices = np.concatenate(rings) if rings else np.empty((0, 2))
        return cls(vertices.astype(np.float64), starts_of(map(len, rings)), starts_of(map(len, objects)))


@dataclass(frozen=True, eq=False)
class RunLengths:
    """The COCO run lengths of N objects, one after the other.

    Attributes:
        values: (R,) uint32.
        starts: (N + 1,) first run of each object, and R at the end; an object without a mask has none.
    """

    values: npt.NDArray[np.uint32]
    starts: IntArray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, row: int) -> npt.NDArray[np.uint32]:
        """Return the run lengths of one object."""
        counts: npt.NDArray[np.uint32] = self.values[self.starts[row] : self.starts[row + 1]]
        return counts

    def take(self, start: int, stop: int) -> "RunLengths":
        """Return the run lengths of the objects `start` to `stop`."""
        starts = self.starts[start : stop + 1]
        return RunLengths(self.values[starts[0] : starts[-1]], starts - starts[0])

    def to_arrow(self) -> pa.Array:
        """Return the column `counts` of `OBJECT_SCHEMA`; null where an object has none."""
        return _list_array(self.starts, pa.array(self.values, pa.uint32()))

    @classmethod
    def from_arrow(cls, column: pa.ChunkedArray | pa.Array) -> "RunLengths":
        """Return the run lengths of the column `counts` of `OBJECT_SCHEMA`."""
        whole = _combined(column, OBJECT_SCHEMA.field("counts").type)
        return cls(whole.flatten().to_numpy(zero_copy_only=False), _starts(whole))

    @classmethod
    def from_lists(cls, objects: Sequence[npt.NDArray[np.uint32]]) -> "RunLengths":
        """Return the run lengths of objects given as arrays, empty for an object without a mask."""
        values = np.concatenate([np.empty(0, np.uint32), *objects])
        return cls(values.astype(np.uint32), starts_of(map(len, objects)))


def starts_of(lengths: Any) -> IntArray:
    """Return where each part starts, and the end of the last, from the lengths of the parts."""
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, np.int64))]).astype(np.int64)


def _combined(column: pa.ChunkedArray | pa.Array, kind: pa.DataType) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], kind)
    return whole.cast(kind)


def _starts(lists: pa.Array) -> IntArray:
    """Return the starts of lists within their flattened values, whatever lies under a null or before a slice."""
    return starts_of(pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False))


def _list_array(starts: IntArray, values: pa.Array) -> pa.Array:
    """Return lists of values; an empty list stands for none."""
    offsets = pa.array(starts, pa.int32())
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(np.diff(starts) == 0))
