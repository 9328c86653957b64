"""Quality of objects beside each other: given twice, covering each other, points in one place."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.even_odd import FARTHEST
from cell_pipelines.annotations.geometry.shapes import POINT, Shapes, iou_of, near_pairs, shared_box_areas
from cell_pipelines.annotations.quality.piles import thin_piles
from cell_pipelines.annotations.quality.table import Found
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.typing import FloatArray, IntArray

_SAME_PX = 0.01


@dataclass(frozen=True)
class PairLimits:
    """From where on two objects are suspicious.

    Attributes:
        duplicate_iou: IoU of two objects of one class above which they are the same one.
        overlap_iou: IoU above which two objects overlap too much.
        overlap_share: Covered share of the smaller one above which they overlap too much.
        across_classes: Whether objects of different classes may not overlap either.
        point_px: Distance in pixels of two points of one class below which they are the same one.
    """

    duplicate_iou: float
    overlap_iou: float
    overlap_share: float
    across_classes: bool
    point_px: float


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The objects of some images that may be compared with each other.

    Attributes:
        rows: (N,) their rows in the set, rising within an image.
        images: (N,) their images.
        categories: (N,) their classes.
        shapes: Their shapes.
    """

    rows: IntArray
    images: IntArray
    categories: IntArray
    shapes: Shapes


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Suspicious pairs: rows in a `Neighbourhood`, with the value by which the worst is chosen."""

    first: IntArray
    second: IntArray
    value: FloatArray
    iou: FloatArray


def find_repeated(annotations: AnnotationSet, near: Neighbourhood) -> tuple[list[Found], npt.NDArray[np.bool_]]:
    """List objects of one class with the same geometry to 0.01 px, each with the first of them.

    Returns:
        The findings, and for each object of `near` whether it stands there for the first time.
    """
    first = _first_like(annotations, near)
    is_first, is_point = first == np.arange(len(first)), near.shapes.geometry == POINT
    found = []
    for kind, value, concerned in (("duplicate", 1.0, ~is_point), ("same_point", 0.0, is_point)):
        again = np.flatnonzero(~is_first & concerned)
        earlier = near.rows[first[again]]
        sentences = [f"is the same as row {row}." for row in earlier.tolist()]
        found.append(Found(kind, near.rows[again], np.full(len(again), value), sentences, earlier))
    return found, is_first


def _first_like(annotations: AnnotationSet, near: Neighbourhood) -> IntArray:
    """Return for each object the first of its image and class with the same geometry, shape (N,)."""
    objects = annotations.objects.take(near.rows)
    rings, counts = Rings.from_arrow(objects["rings"]), RunLengths.from_arrow(objects["counts"])
    corners, vertices = _rounded(near.shapes.boxes), _rounded(rings.vertices)
    heads = np.column_stack([near.images, near.categories, near.shapes.geometry, corners])
    seen: dict[tuple[bytes, bytes, bytes], int] = {}
    first = np.empty(len(near.rows), dtype=np.int64)
    spans = zip(pairwise(rings.vertex_starts.tolist()), pairwise(counts.starts.tolist()), strict=True)
    for i, ((a, b), (c, d)) in enumerate(spans):
        key = heads[i].tobytes(), vertices[a:b].tobytes(), counts.values[c:d].tobytes()
        first[i] = seen.setdefault(key, i)
    return first


def _rounded(coordinates: FloatArray) -> FloatArray:
    # Adding zero makes one of the two zeros that floats have.
    rounded: FloatArray = np.rint(np.clip(coordinates, -FARTHEST, FARTHEST) / _SAME_PX) + 0.0
    return rounded


def find_overlaps(near: Neighbourhood, chosen: IntArray, limits: PairLimits) -> Iterator[Found]:
    """List objects that an earlier one of their image covers, each with the one that covers it most.

    Args:
        near: The objects.
        chosen: (M,) those of them to be compared, rising; none without an area.
        limits: What is too much.
    """
    shapes, areas = near.shapes, near.shapes.areas
    compared, left_out = thin_piles("overlap", near.rows[chosen], shapes.boxes[chosen], near.images[chosen])
    yield left_out
    chosen = chosen[compared]
    boxes, images = shapes.boxes[chosen], near.images[chosen]
    for one, other in near_pairs(boxes, images):
        first, second = chosen[one], chosen[other]
        same = near.categories[first] == near.categories[second]
        smaller = np.minimum(areas[first], areas[second])
        # Real shapes share no more than their boxes do; most neighbours are ruled out by that.
        least = min(limits.overlap_share, limits.overlap_iou, limits.duplicate_iou)
        close = shared_box_areas(boxes[one], boxes[other]) > least * smaller
        kept = np.flatnonzero(close & (same | limits.across_classes))
        first, second, same, smaller = first[kept], second[kept], same[kept], smaller[kept]
        shared = shapes.shared_areas(first, second)
        iou = iou_of(shared, areas[first], areas[second])
        share = np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0)
        twice = same & (iou > limits.duplicate_iou)
        much = ~twice & ((iou > limits.overlap_iou) | (share > limits.overlap_share))
        yield _describe_duplicates(near, _Pairs(first[twice], second[twice], iou[twice], iou[twice]))
        yield _describe_overlaps(near, _Pairs(first[much], second[much], share[much], iou[much]))


def find_same_points(near: Neighbourhood, points: IntArray, limit: float) -> Iterator[Found]:
    """List those of the `points` that have an earlier one of their class and image closer than `limit` pixels."""
    reach = np.array([-limit, -limit, limit, limit]) / 2
    places = near.shapes.boxes[points]
    compared, left_out = thin_piles("same_point", near.rows[points], places + reach, near.images[points])
    yield left_out
    points = points[compared]
    places = near.shapes.boxes[points]
    for one, other in near_pairs(places + reach, near.images[points]):
        distance = np.hypot(*(places[one, :2] - places[other, :2]).T)
        first, second = points[one], points[other]
        kept = (distance < limit) & (near.categories[first] == near.categories[second])
        pairs = _Pairs(first[kept], second[kept], -distance[kept], distance[kept])
        best, more = _worst(pairs)
        sentences = [
            f"is {away:.3g} px from the point of row {row}{_besides(n)}."
            for away, row, n in zip(pairs.iou[best].tolist(), near.rows[pairs.first[best]].tolist(), more, strict=True)
        ]
        rows = near.rows[pairs.second[best]]
        yield Found("same_point", rows, pairs.iou[best], sentences, near.rows[pairs.first[best]])


def _describe_duplicates(near: Neighbourhood, pairs: _Pairs) -> Found:
    best, more = _worst(pairs)
    first, second = near.rows[pairs.first[best]], near.rows[pairs.second[best]]
    sentences = [
        f"is nearly the same as row {row} (IoU {iou:.3f}){_besides(n)}."
        for row, iou, n in zip(first.tolist(), pairs.iou[best].tolist(), more, strict=True)
    ]
    return Found("duplicate", second, pairs.value[best], sentences, first)


def _describe_overlaps(near: Neighbourhood, pairs: _Pairs) -> Found:
    best, more = _worst(pairs)
    first, second = near.rows[pairs.first[best]], near.rows[pairs.second[best]]
    other_class = near.categories[pairs.first[best]] != near.categories[pairs.second[best]]
    sentences = [
        f"shares {share:.0%} of the smaller one with row {row}{' of another class' if differs else ''} "
        f"(IoU {iou:.2f}){_besides(n)}."
        for share, row, differs, iou, n in zip(
            pairs.value[best].tolist(),
            first.tolist(),
            other_class.tolist(),
            pairs.iou[best].tolist(),
            more,
            strict=True,
        )
    ]
    return Found("overlap", second, pairs.value[best], sentences, first)


def _worst(pairs: _Pairs) -> tuple[IntArray, list[int]]:
    """Return the pair of highest value of each second object, and how many more pairs that object has.

    One finding an object keeps the list short where a whole field lies upon itself.
    """
    order = np.lexsort([pairs.first, -pairs.value, pairs.second])
    _, starts, counts = np.unique(pairs.second[order], return_index=True, return_counts=True)
    return order[starts], (counts - 1).tolist()


def _besides(more: int) -> str:
    return f", and clashes with {more} more" if more else ""
