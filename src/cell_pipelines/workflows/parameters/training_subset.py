"""Training on a part of the training images, as learning curves need it; the same for every kind of model."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.splitting import training_subset


class SubsetParameters(BaseModel):
    """Parameters of the subset of training images.

    Attributes:
        share: Of the training images; subsets of one seed are nested.
        seed: Orders the images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0

    def take(self, annotations: AnnotationSet) -> AnnotationSet:
        """Return the set without the training images that are left out."""
        return annotations if self.share == 1 else training_subset(annotations, self.share, seed=self.seed)
