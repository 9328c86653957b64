"""Parameters of the choice of the next images."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cell_pipelines.workflows.parallel import ParallelParameters

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class GainWeights(BaseModel):
    """Weights of the ranks in the expected gain; equal weights give the mean rank.

    Attributes:
        disagreement: Of the models about which cells there are.
        count_spread: Of the models' counts.
        uncertainty: Entropy of probabilities near cells, or of scores around the threshold.
        novelty: Density outside of that of the training images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    disagreement: Weight = 1.0
    count_spread: Weight = 1.0
    uncertainty: Weight = 1.0
    novelty: Weight = 1.0

    @model_validator(mode="after")
    def _some_weight(self) -> "GainWeights":
        if not any(self.model_dump().values()):
            raise ValueError("one of the weights must be above 0, got 0 for all")
        return self


class NextImagesParameters(BaseModel):
    """Parameters of the ranking and of what is handed to a person.

    Attributes:
        weights: Of the parts of the gain.
        iou: Least overlap of two models' cells that are one.
        reach_px: Pixels up to so far from a possible cell count for the uncertainty of networks.
        views: With a single model, how many turned and mirrored views of each image it is compared with itself on; 0
            for none. Several models are compared with each other instead.
        diversity: How much likeness to the images ranked before lowers an image's worth; 0 ranks by gain alone.
        same_series: How alike two images of one series are at least.
        series_pattern: Regular expression with a group ``series``, searched in images' names; None for no series.
        count: How many images, the first ones, come with proposals and pictures.
        proposals_by: The model whose cells are proposed; None for the one of the best F1 on test.
        format: Annotation format that a person's program opens.
        title: Of the page.
        parallel: How images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    weights: GainWeights = GainWeights()
    iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    reach_px: Annotated[int, Field(ge=0)] = 3
    views: Annotated[int, Field(ge=0, le=7)] = 3
    diversity: Share = 0.5
    same_series: Share = 0.5
    series_pattern: str | None = None
    count: Annotated[int, Field(ge=1)] = 20
    proposals_by: str | None = None
    format: str = "qupath_geojson"
    title: str = "Which images next"
    parallel: ParallelParameters = ParallelParameters()
