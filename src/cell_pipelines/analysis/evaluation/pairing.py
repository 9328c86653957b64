"""Truth and predictions of the same images side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import (
    filter_by_score,
    iterate_images,
    select_images,
    select_objects,
    select_split,
)
from cell_pipelines.metrics.detection import DetectionTable
from cell_pipelines.thresholds import Thresholds


@dataclass(frozen=True, eq=False)
class Pairing:
    """The images of one split with their true and predicted objects, in the same order of images and classes.

    Attributes:
        truth: True objects.
        predictions: Predicted objects, with scores where their model gives any; an image without any has no rows.
    """

    truth: AnnotationSet
    predictions: AnnotationSet

    @property
    def categories(self) -> tuple[str, ...]:
        """Class names."""
        return self.truth.categories

    @property
    def is_ranked(self) -> bool:
        """Whether every prediction has a score, by which predictions are ranked."""
        return not bool(np.isnan(self.predictions.scores).any())

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

    def filter_by_score(self, thresholds: Thresholds) -> "PairedSets":
        """Return the image with only the predictions that count as cells."""
        return PairedSets(self.truth, filter_by_score(self.predictions, thresholds))

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
