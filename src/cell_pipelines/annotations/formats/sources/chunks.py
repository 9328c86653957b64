"""Many objects of one geometry as arrays, on their way through the collector."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.schema import GEOMETRIES, OBJECT_SCHEMA
from cell_pipelines.typing import IntArray


@dataclass(frozen=True, eq=False)
class ObjectChunk:
    """N objects of one geometry: boxes, or polygons where `rings` are given, or masks where `runs` are.

    Attributes:
        image: (N,) row of each object's image.
        category: (N,) index into `names`.
        names: Class names.
        boxes: (N, 4) in pixel edges.
        entry: Names the place of an object in its file, from its row in the chunk.
        rings: Rings of each object.
        runs: Run lengths of each object, for an image of its image's size.
        scores: (N,), NaN where there is none; None for no scores at all.
        crowd: (N,) whether an object stands for a crowd; None for no.
        attributes: JSON text or None for each object; None for none at all.
    """

    image: IntArray
    category: IntArray
    names: Sequence[str]
    boxes: npt.NDArray[np.float64]
    entry: Callable[[int], str]
    rings: Rings | None = None
    runs: RunLengths | None = None
    scores: npt.NDArray[np.float64] | None = None
    crowd: npt.NDArray[np.bool_] | None = None
    attributes: Sequence[str | None] | None = None

    def plain(self, sizes: IntArray, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Say which objects can be taken as they stand, shape (N,).

        Args:
            sizes: Width and height of each image, shape (images, 2).
            known: Whether each of `names` is a class that is taken.
        """
        if not len(self.image):
            return np.zeros(0, np.bool_)
        low, high = self.boxes[:, :2], self.boxes[:, 2:]
        # A comparison with NaN is false, so what isn't finite isn't plain.
        plain = (low >= 0).all(axis=1) & (high <= sizes[self.image]).all(axis=1) & (low < high).all(axis=1)
        plain &= known[self.category]
        if self.scores is not None:
            plain &= np.isnan(self.scores) | ((self.scores >= 0) & (self.scores <= 1))
        if self.rings is not None:
            short = np.diff(self.rings.ring_starts) < 3
            owner = np.repeat(np.arange(len(self.rings)), np.diff(self.rings.object_starts))
            plain[owner[short]] = False
            plain &= np.diff(self.rings.object_starts) > 0
        return plain

    def used(self, start: int, stop: int) -> list[int]:
        """Return which of `names` occur from `start` to `stop`, in order of appearance."""
        found, first = np.unique(self.category[start:stop], return_index=True)
        return [int(i) for i in found[np.argsort(first)]]

    def to_table(self, start: int, stop: int, numbers: Mapping[int, int]) -> pa.Table:
        """Return the objects `start` to `stop` as a table of `OBJECT_SCHEMA`, classes renumbered by `numbers`."""
        count = stop - start
        renumbered = np.zeros(len(self.names), np.int32)
        renumbered[list(numbers)] = list(numbers.values())
        geometry = "polygon" if self.rings is not None else "mask" if self.runs is not None else "box"
        sides = zip(("x_min", "y_min", "x_max", "y_max"), np.ascontiguousarray(self.boxes[start:stop].T), strict=True)
        columns: dict[str, Any] = {
            "image": self.image[start:stop].astype(np.int32),
            "category": renumbered[self.category[start:stop]],
            "geometry": np.full(count, GEOMETRIES.index(geometry), np.int8),
            **dict(sides),
            "crowd": np.zeros(count, np.bool_) if self.crowd is None else self.crowd[start:stop],
        }
        if self.rings is not None:
            columns["rings"] = self.rings.take(start, stop).to_arrow()
        if self.runs is not None:
            columns["counts"] = self.runs.take(start, stop).to_arrow()
        if self.scores is not None:
            columns["score"] = pa.array(self.scores[start:stop].astype(np.float32), from_pandas=True)
        if self.attributes is not None:
            columns["attributes"] = list(self.attributes[start:stop])
        return _table(columns, count)

    def extra(self, row: int) -> dict[str, Any]:
        """Return score, crowd and attributes of one object as the collector takes them."""
        score = None if self.scores is None or np.isnan(self.scores[row]) else float(self.scores[row])
        text = self.attributes[row] if self.attributes is not None else None
        crowd = self.crowd is not None and bool(self.crowd[row])
        return {"score": score, "crowd": crowd, "attributes": json.loads(text) if text else None}


def _table(columns: Mapping[str, Any], count: int) -> pa.Table:
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(count, f.type) for f in OBJECT_SCHEMA
    ]
    return pa.table(arrays, schema=OBJECT_SCHEMA)


def stretches(plain: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield start and stop of each stretch of equal values."""
    if len(plain):
        edges = [0, *(np.flatnonzero(plain[1:] != plain[:-1]) + 1).tolist(), len(plain)]
        yield from pairwise(edges)
