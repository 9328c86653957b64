"""Training on a part of the training images, for learning curves and cross-validation; for every kind of model."""

from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.annotations.splitting import training_folds, training_subset


class SubsetParameters(BaseModel):
    """Parameters of the subset of training images.

    Attributes:
        share: Of the training images; subsets of one seed are nested.
        seed: Orders the images, and divides them into folds.
        folds: Into how many folds the groups of training images are divided; None for no folds.
        fold: Number of the fold, from 1, that is left out of the training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0

    folds: Annotated[int, Field(ge=2)] | None = None
    fold: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _fold_is_one_of_them(self) -> Self:
        if (self.fold is None) != (self.folds is None) or (self.fold or 0) > (self.folds or 0):
            raise ValueError(f"`fold` must be one of `folds`, got {self.fold} of {self.folds}")
        return self

    def take(self, annotations: AnnotationSet) -> AnnotationSet:
        """Return the set without the training images that are left out.

        Raises:
            ValueError: The training images have fewer groups than there are folds.
        """
        if self.folds is not None:
            own = training_folds(annotations, self.folds, seed=self.seed)
            annotations = select_images(annotations, np.flatnonzero(own != self.fold))
        return annotations if self.share == 1 else training_subset(annotations, self.share, seed=self.seed)

    def held_out(self, annotations: AnnotationSet) -> AnnotationSet:
        """Return the set of the training images of the fold that is left out; without folds an empty one."""
        own = training_folds(annotations, self.folds, seed=self.seed) if self.folds else np.zeros(annotations.n_images)
        return select_images(annotations, np.flatnonzero(own == (self.fold or -1)))
