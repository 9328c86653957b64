"""The real shapes of many objects at once: their areas, and the areas that pairs of them share."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.conventions import box_areas
from cell_pipelines.annotations.geometry.even_odd import (
    FARTHEST,
    Geometries,
    fill_even_odd,
    to_linear_rings,
    to_raw_polygons,
)
from cell_pipelines.annotations.geometry.mask_runs import MaskRuns
from cell_pipelines.annotations.schema import GEOMETRIES, box_array
from cell_pipelines.typing import FloatArray, IntArray

BOX, POINT, POLYGON, MASK = (GEOMETRIES.index(name) for name in ("box", "point", "polygon", "mask"))
# Candidates a query may bring at once, so that a field of objects that all overlap needs no more memory.
_MOST_CANDIDATES = 2_000_000
_MOST_QUERIES = 2_000


@dataclass(frozen=True, eq=False)
class Shapes:
    """Boxes, points, polygons and masks of N objects.

    Attributes:
        boxes: (N, 4) float64 in pixel edges.
        geometry: (N,) index into `GEOMETRIES`.
        heights: (N,) int64, height in pixels of each object's image.
        raw_polygons: (N,) shapely polygons as their rings stand, valid or not; None for what is no polygon.
        polygons: (N,) shapely polygons as the even-odd rule fills them; None for what is no polygon, and for one that
            meets itself too often to be computed.
        runs: Foreground runs of the masks; other objects have none.
    """

    boxes: FloatArray
    geometry: IntArray
    heights: IntArray
    raw_polygons: Geometries
    polygons: Geometries
    runs: MaskRuns

    @classmethod
    def from_objects(cls, objects: pa.Table, heights: IntArray) -> "Shapes":
        """Return the shapes of a table of `OBJECT_SCHEMA`; `heights` (N,) are those of their images in pixels."""
        geometry = objects["geometry"].to_numpy().astype(np.int64)
        raw = to_raw_polygons(*to_linear_rings(Rings.from_arrow(objects["rings"])), len(geometry))
        raw[geometry != POLYGON] = None
        runs = MaskRuns.from_counts(RunLengths.from_arrow(objects["counts"]))
        return cls(box_array(objects), geometry, heights, raw, fill_even_odd(raw), runs)

    def __len__(self) -> int:
        return len(self.geometry)

    @cached_property
    def areas(self) -> FloatArray:
        """Areas in px², shape (N,); 0 for points and for polygons that are None."""
        areas = np.zeros(len(self))
        is_box = (self.geometry == BOX) & drawable(self.boxes)
        areas[is_box] = box_areas(self.boxes[is_box])
        is_polygon, is_mask = self.geometry == POLYGON, self.geometry == MASK
        areas[is_polygon] = np.nan_to_num(shapely.area(self.polygons[is_polygon]))
        areas[is_mask] = self.runs.areas()[is_mask]
        return areas

    def shared_areas(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return the areas in px² that the objects `first` and `second`, each (P,), share pair by pair.

        Boxes are measured as boxes, polygons and masks by what they really cover; a point shares nothing.
        """
        shared = shared_box_areas(self.boxes[first], self.boxes[second])
        one, other = self.geometry[first], self.geometry[second]
        masks = (one == MASK).astype(int) + (other == MASK)
        shared[(one == POINT) | (other == POINT)] = 0.0
        open_ = shared > 0
        both = np.flatnonzero(open_ & (masks == 2))
        shared[both] = self.runs.shared_pixels(first[both], second[both])
        mixed = np.flatnonzero(open_ & (masks == 1))
        swap = other[mixed] == MASK
        mask_rows = np.where(swap, second[mixed], first[mixed])
        other_rows = np.where(swap, first[mixed], second[mixed])
        shared[mixed] = self._mask_with_outline(mask_rows, other_rows)
        drawn = np.flatnonzero(open_ & (masks == 0) & ((one == POLYGON) | (other == POLYGON)))
        overlap = shapely.intersection(self._outlines(first[drawn]), self._outlines(second[drawn]))
        shared[drawn] = np.nan_to_num(shapely.area(overlap))
        return shared

    def _outlines(self, rows: IntArray) -> Geometries:
        outlines: Geometries = self.polygons[rows]
        is_box = self.geometry[rows] == BOX
        outlines[is_box] = shapely.box(*self.boxes[rows[is_box]].T)
        return outlines

    def _mask_with_outline(self, masks: IntArray, others: IntArray) -> FloatArray:
        rectangles, place = self.runs.rectangles(masks, self.heights[masks])
        outlines = self._outlines(others)[place]
        pieces = shapely.area(shapely.intersection(shapely.box(*rectangles.T), outlines))
        return np.bincount(place, weights=np.nan_to_num(pieces), minlength=len(masks)).astype(np.float64)


def drawable(boxes: FloatArray) -> npt.NDArray[np.bool_]:
    """Say which boxes (N, 4) have coordinates that an image can have: numbers, and none beyond a billion pixels."""
    return np.asarray((np.abs(boxes) <= FARTHEST).all(axis=1))


def shared_box_areas(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the areas in px² that boxes (P, 4) share pair by pair."""
    low, high = np.maximum(one[:, :2], other[:, :2]), np.minimum(one[:, 2:], other[:, 2:])
    shared: FloatArray = np.prod(np.clip(high - low, 0.0, None), axis=1)
    return shared


def iou_of(shared: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return intersection over union (P,) from shared and whole areas (P,); 0 where nothing has an area."""
    union = first + second - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def near_pairs(
    boxes: FloatArray, images: IntArray, others: FloatArray | None = None, other_images: IntArray | None = None
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the pairs of boxes of one image that touch or overlap, some thousand rows at a time.

    Args:
        boxes: (N, 4) in pixel edges, finite.
        images: (N,) number of each box's image.
        others: (M, 4) boxes to pair them with; None pairs the boxes with each other.
        other_images: (M,) number of the image of each of `others`.

    Yields:
        Rows in `boxes` and rows in `others`, each (P,). Of boxes among themselves each pair comes once, the lower
        row first; the second row's pairs all come together.
    """
    alone = others is None or other_images is None
    partners = boxes if others is None else others
    partner_images = images if other_images is None else other_images
    if not len(boxes) or not len(partners):
        return
    shift = _shifts(np.concatenate([boxes, partners]), np.concatenate([images, partner_images]))
    tree = shapely.STRtree(_moved(boxes, shift[: len(boxes)]))
    queries = _moved(partners, shift[len(boxes) :])
    crowded = int(np.bincount(np.unique(images, return_inverse=True)[1]).max())
    step = int(np.clip(_MOST_CANDIDATES // crowded, 1, _MOST_QUERIES))
    for start in range(0, len(partners), step):
        second, first = tree.query(queries[start : start + step])
        second = second + start
        kept = first < second if alone else np.ones(len(first), dtype=bool)
        yield first[kept].astype(np.int64), second[kept].astype(np.int64)


def _shifts(boxes: FloatArray, images: IntArray) -> FloatArray:
    """Return how far right each box is moved, so that those of two images never meet."""
    width = boxes[:, 2].max() - boxes[:, 0].min() + 1.0
    shifts: FloatArray = np.unique(images, return_inverse=True)[1] * width
    return shifts


def _moved(boxes: FloatArray, shift: FloatArray) -> Geometries:
    x_min, y_min, x_max, y_max = boxes.T
    return np.asarray(shapely.box(x_min + shift, y_min, x_max + shift, y_max), dtype=object)
