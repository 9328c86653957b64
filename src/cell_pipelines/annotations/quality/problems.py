"""Find likely annotation errors in a set of annotations, for a person to look at."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cell_pipelines.annotations.geometry.shapes import POINT, Shapes, drawable
from cell_pipelines.annotations.quality.objects import (
    find_broken,
    find_invalid,
    find_mask_sizes,
    find_outside,
    find_tiny,
    sizeable,
)
from cell_pipelines.annotations.quality.pairs import (
    Neighbourhood,
    PairLimits,
    find_overlaps,
    find_repeated,
    find_same_points,
)
from cell_pipelines.annotations.quality.table import Found, to_quality_table
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.typing import IntArray

_OBJECTS_AT_ONCE = 20_000


@dataclass(frozen=True)
class QualityLimits:
    """From where on something is worth a look; the defaults suit cells that lie side by side.

    Attributes:
        min_area: Area in px² below which an object is tiny.
        min_median_share: Share of its class's median area below which an object is tiny.
        duplicate_iou: IoU of two objects of one class above which they are the same one.
        overlap_iou: IoU above which two objects overlap too much.
        overlap_share: Covered share of the smaller one above which they overlap too much.
        across_classes: Whether objects of different classes may not overlap either; False where nuclei lie in cells.
        point_px: Distance in pixels of two points of one class below which they are the same one.
        outside_px: Pixels by which an object may reach out of its image.
        class_ratio: Share of the most frequent class's objects that the rarest must have.

    Raises:
        ValueError: A limit lies outside its range; all that do are named at once.
    """

    min_area: float = 4.0
    min_median_share: float = 0.05
    duplicate_iou: float = 0.95
    overlap_iou: float = 0.5
    overlap_share: float = 0.8
    across_classes: bool = True
    point_px: float = 1.0
    outside_px: float = 0.05
    class_ratio: float = 0.1

    def __post_init__(self) -> None:
        wrong = [f"`{n}` must be 0 or more, got {v!r}." for n, v in vars(self).items() if not v >= 0]
        shares = ("min_median_share", "duplicate_iou", "overlap_iou", "overlap_share", "class_ratio")
        wrong += [f"`{n}` must be at most 1, got {vars(self)[n]!r}." for n in shares if vars(self)[n] > 1]
        if wrong:
            raise ValueError(" ".join(wrong))

    @property
    def pairs(self) -> PairLimits:
        """The limits of two objects."""
        return PairLimits(self.duplicate_iou, self.overlap_iou, self.overlap_share, self.across_classes, self.point_px)


_DEFAULT_LIMITS = QualityLimits()


def find_quality_problems(annotations: AnnotationSet, *, limits: QualityLimits = _DEFAULT_LIMITS) -> pd.DataFrame:
    """Return what looks wrong in a set, one row per finding.

    Nothing is changed, and nothing listed here must be wrong: cells do overlap in thick tissue. Ignored regions are not
    compared with other objects. An object that clashes with several is listed once, with the worst of them.

    Args:
        annotations: The set.
        limits: From where on something is listed.

    Returns:
        Columns kind (of `table.KINDS`), image (its name, empty for findings about a class), objects (rows of
        the objects in the set, such as ``12`` or ``12, 40``), category, value (what is compared with the limit, NaN
        where nothing is) and sentence. By kind, then by image, then by object. Memory and time grow with the objects
        and with the pairs that lie upon each other.
    """
    found: list[Found] = []
    areas = np.full(annotations.n_objects, np.nan)
    sizes = np.stack([annotations.images[side].to_numpy() for side in ("width", "height")], axis=1).astype(np.int64)
    for rows in _chunks(annotations):
        objects = annotations.objects.take(rows)
        own_sizes = sizes[annotations.image_index[rows]]
        shapes = Shapes.from_objects(objects, own_sizes[:, 1])
        areas[rows] = sizeable(shapes)
        found += find_broken(rows, shapes)
        found += [find_mask_sizes(rows, objects, own_sizes)]
        found += [find_outside(rows, shapes.boxes, own_sizes, limits.outside_px)]
        found += find_invalid(rows, shapes)
        found += _compare(annotations, rows, shapes, limits.pairs)
    found.append(find_tiny(annotations, areas, min_area=limits.min_area, min_share=limits.min_median_share))
    others = [*_find_images(annotations), *_find_classes(annotations, limits.class_ratio)]
    return to_quality_table(annotations, found, others)


def _chunks(annotations: AnnotationSet) -> Iterator[IntArray]:
    """Yield the rows of the objects of some images at a time, image by image, rising within an image."""
    images = annotations.image_index
    order = np.argsort(images, kind="stable")
    ends = np.searchsorted(images[order], np.arange(annotations.n_images), side="right")
    start = 0
    while start < len(order):
        wanted = np.searchsorted(ends, start + _OBJECTS_AT_ONCE, side="right")
        # An image with more objects than that is taken whole.
        stop = max(int(ends[wanted - 1]) if wanted else 0, int(ends[images[order[start]]]))
        yield order[start:stop]
        start = stop


def _compare(annotations: AnnotationSet, rows: IntArray, shapes: Shapes, limits: PairLimits) -> Iterator[Found]:
    near = Neighbourhood(rows, annotations.image_index[rows], annotations.category[rows], shapes)
    repeated, is_first = find_repeated(annotations, near)
    yield from repeated
    comparable = is_first & drawable(shapes.boxes) & ~annotations.crowd[rows]
    yield from find_overlaps(near, np.flatnonzero(comparable & (shapes.areas > 0)), limits)
    yield from find_same_points(near, np.flatnonzero(comparable & (shapes.geometry == POINT)), limits.point_px)


def _find_images(annotations: AnnotationSet) -> Iterator[tuple[str, str, str, float, str]]:
    for name, count in zip(annotations.names, annotations.counts().sum(axis=1).tolist(), strict=True):
        if not count:
            yield "empty_image", name, "", 0.0, f"{name} has no object."


def _find_classes(annotations: AnnotationSet, ratio: float) -> Iterator[tuple[str, str, str, float, str]]:
    counts = annotations.counts().sum(axis=0)
    used = np.flatnonzero(counts)
    for category in np.flatnonzero(counts == 0).tolist():
        name = annotations.categories[category]
        yield "unused_class", "", name, 0.0, f"{name} has no object."
    if len(used) > 1:
        rare, most = used[counts[used].argmin()], used[counts[used].argmax()]
        if counts[rare] < ratio * counts[most]:
            names = annotations.categories[rare], annotations.categories[most]
            sentence = f"{names[0]} has {counts[rare]} objects, {names[1]} has {counts[most]}."
            yield "class_imbalance", "", names[0], float(counts[rare] / counts[most]), sentence
