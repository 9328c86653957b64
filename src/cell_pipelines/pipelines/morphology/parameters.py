"""Parameters of morphology."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.analysis.morphology.measuring import MorphologyOptions
from cell_pipelines.workflows.parallel import ParallelParameters


class MorphologyParameters(BaseModel):
    """Parameters of morphology.

    Attributes:
        measure: What is measured beside the form, by the names of `MorphologyOptions`.
        group: Column whose values are compared: ``condition``, ``series``, ``category``, or any other known of images.
        cluster: Column that says which cells are alike since they were taken together; the test beside that of cells
            has one value for each of its values.
        paired: Whether a cluster of one name in two groups is the same, such as a series; images always are.
        features: Measures that are compared and shown; none for area, circularity, solidity, perimeter, radius and
            shape index.
        reference: Group that all others are compared with; None for every pair.
        complete: Leave cells that touch the border out of comparisons and figures; the table keeps them.
        pictures: Images on the page; 0 draws none at all.
        title: Of the page.
        parallel: How images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    measure: MorphologyOptions = MorphologyOptions()
    group: str = "condition"
    cluster: str = "image"
    paired: bool = False
    features: tuple[str, ...] = ()
    reference: str | None = None
    complete: bool = True
    pictures: Annotated[int, Field(ge=0)] = 4
    title: str = "Morphology"
    parallel: ParallelParameters = ParallelParameters()
