"""Truth and predictions of the same images side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_images, select_objects, select_split
from cell_pipelines.metrics.detection import DetectionTable
from cell_pipelines.metrics.matching import Matching, match_by_category


@dataclass(frozen=True, eq=False)
class Pairing:
    """The images of one split with their true and predicted objects, in the same order of images and classes.

    Attributes:
        truth: True objects.
        predictions: Predicted objects with scores; an image without any has no rows.
    """

    truth: AnnotationSet
    predictions: AnnotationSet

    @property
    def categories(self) -> tuple[str, ...]:
        """Class names."""
        return self.truth.categories

    def tables(self) -> tuple[DetectionTable, DetectionTable]:
        """Return truth and predictions as the metrics take them."""
        truth, found = self.truth, self.predictions
        return (
            DetectionTable(truth.image_index, truth.category, truth.boxes, crowd=truth.crowd),
            DetectionTable(found.image_index, found.category, found.boxes, scores=found.scores.astype(float)),
        )

    def pairs(self) -> Iterator["PairedSets"]:
        """Yield each image with its objects as sets, masks and all."""
        for truth, predictions in zip(iterate_images(self.truth), iterate_images(self.predictions), strict=True):
            yield PairedSets(truth, predictions)

    def images(self) -> Iterator["PairedImage"]:
        """Yield each image with the boxes of its objects."""
        sides = [(s.boxes, s.category, _rows_by_image(s)) for s in (self.truth, self.predictions)]
        scores = self.predictions.scores.astype(np.float64)
        (true_boxes, true_categories, true_rows), (boxes, categories, rows) = sides
        for i, name in enumerate(self.truth.names):
            t, p = true_rows[i], rows[i]
            yield PairedImage(name, true_boxes[t], true_categories[t], boxes[p], categories[p], scores[p])


@dataclass(frozen=True, eq=False)
class PairedImage:
    """One image's true and predicted boxes.

    Attributes:
        name: The image.
        true_boxes: (T, 4) in pixels.
        true_categories: (T,) int.
        boxes: (P, 4) in pixels.
        categories: (P,) int.
        scores: (P,) in [0, 1].
    """

    name: str
    true_boxes: npt.NDArray[np.float64]
    true_categories: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    categories: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]

    def above(self, thresholds: npt.NDArray[np.float64]) -> "PairedImage":
        """Return the image with only the predictions at or above their class's threshold, shape (C,)."""
        kept = self.scores >= thresholds[self.categories]
        return PairedImage(
            self.name,
            self.true_boxes,
            self.true_categories,
            self.boxes[kept],
            self.categories[kept],
            self.scores[kept],
        )

    def match(self, iou_threshold: float) -> Matching:
        """Match predictions with true boxes of their class, best score first."""
        return match_by_category(
            self.true_boxes,
            self.true_categories,
            self.boxes,
            self.categories,
            self.scores,
            iou_threshold=iou_threshold,
        )


@dataclass(frozen=True, eq=False)
class PairedSets:
    """One image's true and predicted objects.

    Attributes:
        truth: The image with its true objects.
        predictions: The image with its predicted objects, each with a score.
    """

    truth: AnnotationSet
    predictions: AnnotationSet

    @property
    def name(self) -> str:
        """The image."""
        return self.truth.names[0]

    def above(self, thresholds: npt.NDArray[np.float64]) -> "PairedSets":
        """Return the image with only the predictions at or above their class's threshold, shape (C,)."""
        found = self.predictions
        kept = found.scores.astype(np.float64) >= thresholds[found.category]
        return PairedSets(self.truth, select_objects(found, kept))

    def framed(self) -> PairedImage:
        """Return the image with the boxes of its objects."""
        truth, found = self.truth, self.predictions
        scores = found.scores.astype(np.float64)
        return PairedImage(self.name, truth.boxes, truth.category, found.boxes, found.category, scores)

    def of(self, category: int) -> "PairedSets":
        """Return the image with the objects of one class, by its place among the categories."""
        sides = (select_objects(side, side.category == category) for side in (self.truth, self.predictions))
        return PairedSets(*sides)


def pair(truth: AnnotationSet, predictions: AnnotationSet, split: str) -> Pairing:
    """Put the truth of a split and its predictions side by side.

    Raises:
        ValueError: The split has no image, an image has no prediction, or the model knows other classes.
    """
    chosen = select_split(truth, split)
    if not chosen.n_images:
        raise ValueError(f"the split {split!r} must have images; it has none.")
    row = {name: i for i, name in enumerate(predictions.names)}
    missing = [name for name in chosen.names if name not in row]
    if missing:
        raise ValueError(f"every image of {split} must be predicted; {len(missing)} are not, such as {missing[0]!r}.")
    found = select_images(predictions, [row[name] for name in chosen.names])
    return Pairing(chosen, _with_categories(found, truth.categories))


def _with_categories(predictions: AnnotationSet, categories: tuple[str, ...]) -> AnnotationSet:
    if predictions.categories == categories:
        return predictions
    if set(predictions.categories) - set(categories):
        raise ValueError(f"the model knows {predictions.categories}, the annotations {categories}; they must agree.")
    position = np.array([categories.index(name) for name in predictions.categories], dtype=np.int32)
    column = position[predictions.category]
    index = predictions.objects.schema.get_field_index("category")
    field = predictions.objects.schema.field("category")
    return AnnotationSet(predictions.images, predictions.objects.set_column(index, field, [column]), categories)


def _rows_by_image(annotations: AnnotationSet) -> list[npt.NDArray[np.int64]]:
    order = np.argsort(annotations.image_index, kind="stable")
    edges = np.searchsorted(annotations.image_index[order], np.arange(1, annotations.n_images))
    return list(np.split(order, edges)) if annotations.n_images else []
