"""Parameters of the search for annotation errors."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.workflows.parallel import ParallelParameters


class SuspectedLabelsParameters(BaseModel):
    """Parameters of the search for label errors.

    Attributes:
        splits: Images of these splits, or ``all`` of them. A model is sure of labels that it learned from, also of
            wrong ones.
        least: Smallest suspicion that is listed.
        pictures: How many suspects, the first ones, are cut out of their images.
        shown: How many of these stand on the page.
        format: Annotation format that the marked annotations are written in.
        mark: How suspects are marked: by attributes, by classes of their own, or ``auto``: by attributes where the
            format keeps any.
        title: Of the page.
        parallel: How images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    splits: tuple[Literal["train", "val", "test"], ...] | Literal["all"] = ("val", "test")
    least: Annotated[float, Field(ge=0, le=1)] = 0.25
    pictures: Annotated[int, Field(ge=0)] = 60
    shown: Annotated[int, Field(ge=0)] = 24
    format: str = "qupath_geojson"
    mark: Literal["auto", "attribute", "category"] = "auto"
    title: str = "Suspected annotation errors"
    parallel: ParallelParameters = ParallelParameters()
