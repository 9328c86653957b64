"""Areas of all objects of a set at once."""

import numpy as np

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.conventions import box_areas
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals
from cell_pipelines.annotations.geometry.rings import polygon_area
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.typing import FloatArray


def object_areas(annotations: AnnotationSet) -> FloatArray:
    """Return the area of each object in px², shape (N,): of its mask or rings where it has them, else of its box.

    A point has none: NaN. Holes are taken off.
    """
    areas = box_areas(annotations.boxes)
    codes = annotations.objects["geometry"].to_numpy()
    areas[codes == GEOMETRIES.index("point")] = np.nan
    polygons = codes == GEOMETRIES.index("polygon")
    if polygons.any():
        areas[polygons] = _ring_areas(Rings.from_arrow(annotations.objects["rings"]))[polygons]
    masks = codes == GEOMETRIES.index("mask")
    if masks.any():
        owner, start, stop = all_run_lengths_to_intervals(RunLengths.from_arrow(annotations.objects["counts"]))
        areas[masks] = np.bincount(owner, weights=stop - start, minlength=annotations.n_objects)[masks]
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
