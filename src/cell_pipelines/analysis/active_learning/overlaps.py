"""Find which objects of two sets of one image overlap, whether they are masks, polygons, boxes or points."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from cell_pipelines.annotations.geometry.shapes import Shapes, drawable, iou_of, near_pairs
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet, with_object_columns
from cell_pipelines.metrics.assignment import assign
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

_BOX, _POINT = GEOMETRIES.index("box"), GEOMETRIES.index("point")


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of objects that share an area.

    Attributes:
        first: (P,) row in the first set.
        second: (P,) row in the second set.
        iou: (P,) shared area over the area of both together, in (0, 1].
        first_share: (P,) shared area over the first one's, in (0, 1].
        second_share: (P,) shared area over the second one's, in (0, 1].
    """

    first: IntArray
    second: IntArray
    iou: FloatArray
    first_share: FloatArray
    second_share: FloatArray

    def take(self, kept: BoolArray | IntArray) -> "Overlaps":
        """Return some of the pairs."""
        return Overlaps(**{name: values[kept] for name, values in vars(self).items()})

    def matches(self, least_iou: float) -> IntArray:
        """Return the places of a one-to-one matching: as many pairs as reach `least_iou`, of the greatest IoU."""
        possible = np.flatnonzero(self.iou >= least_iou)
        return possible[assign(self.first[possible], self.second[possible], 1 - self.iou[possible])]


def find_overlaps(one: AnnotationSet, other: AnnotationSet) -> Overlaps:
    """Return the pairs of objects of two sets that share an area.

    Masks and polygons are measured by what they cover. Where the objects of a side are boxes, both sides are taken by
    their boxes, so that a frame and an outline of one cell agree. Points share nothing; see `with_extent`.

    Args:
        one: Objects of one image.
        other: Objects of the same image.

    Raises:
        ValueError: A set holds another number of images than one.
    """
    for name, objects in (("one", one), ("other", other)):
        if objects.n_images != 1:
            raise ValueError(f"`{name}` must hold one image, got {objects.n_images}.")
    framed = _has_boxes(one) or _has_boxes(other)
    tables = [_framed(side.objects) if framed else side.objects for side in (one, other)]
    height = int(one.images["height"][0].as_py())
    shapes = Shapes.from_objects(pa.concat_tables(tables), np.full(sum(t.num_rows for t in tables), height))
    first, second = _near(shapes, one.n_objects)
    shared = shapes.shared_areas(first, second)
    sizes = shapes.areas[first], shapes.areas[second]
    found = Overlaps(first, second - one.n_objects, iou_of(shared, *sizes), *(_share(shared, size) for size in sizes))
    return found.take(shared > 0)


def with_extent(annotations: AnnotationSet, side_px: float) -> AnnotationSet:
    """Return the same objects with squares of `side_px` pixels in place of points, whose centres they keep."""
    points = annotations.objects["geometry"].to_numpy() == _POINT
    if not points.any():
        return annotations
    grown = annotations.boxes + np.where(points[:, np.newaxis], np.array([-1, -1, 1, 1]) * side_px / 2, 0.0)
    sides = dict(zip(("x_min", "y_min", "x_max", "y_max"), grown.T, strict=True))
    geometry = np.where(points, _BOX, annotations.objects["geometry"])
    return replace(annotations, objects=with_object_columns(annotations.objects, geometry=geometry, **sides))


def _near(shapes: Shapes, start: int) -> tuple[IntArray, IntArray]:
    usable = drawable(shapes.boxes)
    one, other = np.flatnonzero(usable[:start]), np.flatnonzero(usable[start:]) + start
    images = np.zeros(len(shapes), dtype=np.int64)
    parts = list(near_pairs(shapes.boxes[one], images[one], shapes.boxes[other], images[other]))
    none = np.empty(0, np.int64)
    return one[np.concatenate([none, *(a for a, _ in parts)])], other[np.concatenate([none, *(b for _, b in parts)])]


def _has_boxes(annotations: AnnotationSet) -> bool:
    return bool((annotations.objects["geometry"].to_numpy() == _BOX).any())


def _framed(objects: pa.Table) -> pa.Table:
    """Return objects as boxes, without their outlines; points stay."""
    codes = objects["geometry"].to_numpy()
    nothing = [None] * objects.num_rows
    geometry = np.where(codes == _POINT, _POINT, _BOX)
    return with_object_columns(objects, geometry=geometry, rings=nothing, counts=nothing)


def _share(shared: FloatArray, size: FloatArray) -> FloatArray:
    return np.divide(shared, size, out=np.zeros_like(shared), where=size > 0)
