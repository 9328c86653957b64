"""Areas of all objects of a set at once."""

import numpy as np
import pyarrow as pa

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.conventions import box_areas
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals
from cell_pipelines.annotations.geometry.rings import polygon_area
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet, box_array
from cell_pipelines.typing import FloatArray

# Objects whose pixels are added up at a time: their runs take a hundred times the memory of the areas.
_AT_ONCE = 10_000


def object_areas(annotations: AnnotationSet) -> FloatArray:
    """Return the area of each object in px², shape (N,): of its mask or rings where it has them, else of its box.

    A point has none: NaN. Holes are taken off.
    """
    starts = range(0, annotations.n_objects, _AT_ONCE)
    return np.concatenate([np.zeros(0), *(_areas_of(annotations.objects.slice(start, _AT_ONCE)) for start in starts)])


def _areas_of(objects: pa.Table) -> FloatArray:
    areas = box_areas(box_array(objects))
    codes = objects["geometry"].to_numpy()
    areas[codes == GEOMETRIES.index("point")] = np.nan
    polygons = codes == GEOMETRIES.index("polygon")
    if polygons.any():
        areas[polygons] = _ring_areas(Rings.from_arrow(objects["rings"]))[polygons]
    masks = codes == GEOMETRIES.index("mask")
    if masks.any():
        owner, start, stop = all_run_lengths_to_intervals(RunLengths.from_arrow(objects["counts"]))
        areas[masks] = np.bincount(owner, weights=stop - start, minlength=objects.num_rows)[masks]
    return areas


def _ring_areas(rings: Rings) -> FloatArray:
    lengths = np.diff(rings.ring_starts)
    ring = np.repeat(np.arange(len(lengths)), lengths)
    # Near the origin the products keep their digits.
    x, y = (rings.vertices - rings.vertices[rings.ring_starts[ring]]).T
    following = np.arange(1, len(rings.vertices) + 1)
    filled = lengths > 0
    following[rings.ring_starts[1:][filled] - 1] = rings.ring_starts[:-1][filled]
    doubled = np.bincount(ring, weights=x * y[following] - x[following] * y, minlength=len(lengths))
    owner = np.repeat(np.arange(len(rings)), np.diff(rings.object_starts))
    areas: FloatArray = np.bincount(owner, weights=np.abs(doubled) / 2, minlength=len(rings)).astype(np.float64)
    for row in np.flatnonzero(np.diff(rings.object_starts) > 1).tolist():
        areas[row] = polygon_area(rings.of(row))
    return areas
