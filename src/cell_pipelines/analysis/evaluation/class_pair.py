"""One class of one image as metrics take it: boxes, centroids and drawn cells of what is true and what is predicted."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.ndimage import find_objects

from cell_pipelines.analysis.evaluation.pairing import PairedSets, Pairing
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.metrics.centroids import label_centroids
from cell_pipelines.metrics.label_overlap import OverlapTable, overlap_table
from cell_pipelines.typing import FloatArray, LabelImage

_AREAS = tuple(GEOMETRIES.index(name) for name in ("polygon", "mask"))
_POINT = GEOMETRIES.index("point")


@dataclass(frozen=True, eq=False)
class Side:
    """The objects of one class in one image, the surest first.

    Attributes:
        objects: The image with these objects.
    """

    objects: AnnotationSet

    @property
    def scores(self) -> FloatArray:
        """(N,) in [0, 1], falling; nan for truth."""
        return self.objects.scores.astype(np.float64)

    @cached_property
    def labels(self) -> LabelImage:
        """(H, W) int32: 1 + the object's row, 0 for background. Where objects overlap, the surest keeps the pixel.

        The pixels of an object therefore do not depend on less sure ones: the labels at a higher threshold are these,
        less those of the objects that fall away.
        """
        return objects_to_labels(self.objects)[0]

    @cached_property
    def centroids(self) -> FloatArray:
        """(N, 2) as (row, column), pixel centres at whole numbers: of a mask or polygon its centroid, else the box's.

        An object that is wholly hidden by surer ones has its box's centre, too.
        """
        boxes = self.objects.boxes
        centroids = np.stack([boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]], axis=1) / 2 - 0.5
        drawn = np.isin(self.objects.objects["geometry"].to_numpy(), _AREAS)
        if not drawn.any():
            return centroids
        ids, of_pixels = label_centroids(self.labels)
        kept = drawn[ids - 1]
        centroids[ids[kept] - 1] = of_pixels[kept]
        return centroids

    @property
    def areas(self) -> FloatArray:
        """(N,) in px², of the mask or polygon, else of the box; nan for a point."""
        return object_areas(self.objects)


@dataclass(frozen=True, eq=False)
class ClassPair:
    """Ground truth and predictions of one class in one image."""

    truth: Side
    predictions: Side

    @cached_property
    def overlaps(self) -> OverlapTable:
        """The pixels that true and predicted cells share; ids are 1 + the object's row."""
        return overlap_table(self.truth.labels, self.predictions.labels)


def class_pair(pair: PairedSets, category: int) -> ClassPair:
    """Return one class, by its place among the categories, of an image."""
    own = pair.of(category)
    return ClassPair(Side(own.truth), Side(_surest_first(own.predictions)))


def has_masks(pairing: Pairing) -> bool:
    """Tell whether all true and all predicted objects are masks or polygons, so that pixels can be compared.

    A side without any object does not speak against it. Ignored regions are not looked at.
    """
    return _all_of(pairing.truth, _AREAS) and _all_of(pairing.predictions, _AREAS)


def has_boxes(pairing: Pairing) -> bool:
    """Tell whether all objects have an extent, so that boxes can be compared: none is a point."""
    extended = tuple(code for code in range(len(GEOMETRIES)) if code != _POINT)
    return _all_of(pairing.truth, extended) and _all_of(pairing.predictions, extended)


def mean_diameter_px(truth: AnnotationSet) -> float:
    """Return the diameter of a circle of the objects' mean area in pixels; nan where no object has an area."""
    areas = object_areas(truth)[~truth.crowd]
    known = areas[np.isfinite(areas) & (areas > 0)]
    return float(2 * np.sqrt(known.mean() / np.pi)) if known.size else float("nan")


def without_ignored_regions(pair: PairedSets) -> PairedSets:
    """Leave out ignored regions, and the predictions in them, which nobody can call right or wrong.

    A prediction lies in a region of its class if its box's centre does, and in no box of a true cell.
    """
    crowd = pair.truth.crowd
    if not crowd.any():
        return pair
    regions, cells = select_objects(pair.truth, crowd), select_objects(pair.truth, ~crowd)
    found, labels = pair.predictions, objects_to_labels(regions)[0]
    box_centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    last = np.array(labels.shape[::-1]) - 1
    column, row = np.clip(np.floor(box_centres).astype(np.int64), 0, last).T
    region = labels[row, column]
    owner = np.append(-1, regions.category)[region]
    ignored = (owner == found.category) & ~_inside_any(box_centres, cells.boxes)
    return PairedSets(cells, select_objects(found, ~ignored))


def without_ignored(labels: LabelImage, ignored: npt.NDArray[np.bool_], true_labels: LabelImage) -> LabelImage:
    """Leave out the cells of a label image that lie in an ignored region, by the rule of `without_ignored_regions`.

    Args:
        labels: (H, W) int32, predicted cells.
        ignored: (H, W) bool, ignored regions.
        true_labels: (H, W) int32, true cells outside of them.
    """
    if not ignored.any():
        return labels
    ids, boxes = _label_boxes(labels)
    box_centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    column, row = np.floor(box_centres).astype(np.int64).T
    left_out = ids[ignored[row, column] & ~_inside_any(box_centres, _label_boxes(true_labels)[1])]
    return np.where(np.isin(labels, left_out), 0, labels).astype(labels.dtype)


def _label_boxes(labels: LabelImage) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the ids in a label image, (N,), and their boxes, (N, 4) as x_min, y_min, x_max, y_max."""
    slices = {number: place for number, place in enumerate(find_objects(labels), start=1) if place is not None}
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in slices.values()]
    return np.array(list(slices), dtype=np.int64), np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _inside_any(points: FloatArray, boxes: FloatArray) -> npt.NDArray[np.bool_]:
    low, high = boxes[np.newaxis, :, :2], boxes[np.newaxis, :, 2:]
    inside: npt.NDArray[np.bool_] = (points[:, np.newaxis] >= low) & (points[:, np.newaxis] <= high)
    return np.asarray(np.any(np.all(inside, axis=2), axis=1))


def _surest_first(predictions: AnnotationSet) -> AnnotationSet:
    order = np.argsort(-predictions.scores, kind="stable")
    objects = predictions.objects.take(pa.array(order))
    return AnnotationSet(predictions.images, objects, predictions.categories)


def _all_of(annotations: AnnotationSet, codes: tuple[int, ...]) -> bool:
    geometry = annotations.objects["geometry"].to_numpy()[~annotations.crowd]
    return bool(np.isin(geometry, codes).all())
