"""Parameters of viability."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cell_pipelines.workflows.parallel import ParallelParameters

Distance = Annotated[float, Field(gt=0)]


class ViabilityParameters(BaseModel):
    """Parameters of viability.

    Attributes:
        dead: Class of dead cells.
        nuclei: Class of all nuclei, living and dead, where a second channel shows the dead ones.
        living: Class of living cells, where one image shows both.
        max_distance_px: Farthest that a dead cell may lie from its nucleus; None for the nuclei's mean radius.
        max_distance_um: The same in micrometres, for images with a known pixel size.
        reference: Condition that all others are compared with; None for every pair.
        paired: Whether a series of one name in two conditions is one series, such as one culture that was split; False
            takes series numbered anew in each condition for series of their own.
        pictures: Fields on the page; 0 draws none at all.
        title: Of the page.
        parallel: How drawing is spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    dead: str = "dead"
    nuclei: str | None = None
    living: str | None = None
    max_distance_px: Distance | None = None
    max_distance_um: Distance | None = None
    reference: str | None = None
    paired: bool = False
    pictures: Annotated[int, Field(ge=0)] = 6
    title: str = "Viability"
    parallel: ParallelParameters = ParallelParameters()

    @model_validator(mode="after")
    def _one_kind(self) -> "ViabilityParameters":
        if (self.nuclei is None) == (self.living is None):
            raise ValueError(f"name either `nuclei` or `living`, got {self.nuclei!r} and {self.living!r}")
        return self
