"""Parameters of viability."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from cell_pipelines.analysis.viability.rules import ViabilityRules
from cell_pipelines.workflows.parallel import ParallelParameters


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ViabilityParameters(ViabilityRules):
    """Parameters of viability: the library's rules, and what is compared and shown.

    Attributes:
        reference: Condition that all others are compared with; None for every pair.
        paired: Whether a series of one name in two conditions is one series, such as one culture that was split; False
            takes series numbered anew in each condition for series of their own.
        pictures: Fields on the page; 0 draws none at all.
        title: Of the page.
        parallel: How drawing is spread over processors.
        regions: Folder or file with annotated regions in which cells are counted besides; None for none.
        regions_format: Annotation format of the regions; ``auto`` recognises it.
    """

    reference: str | None = None
    paired: bool = False
    pictures: Annotated[int, Field(ge=0)] = 6
    title: str = "Viability"
    parallel: ParallelParameters = ParallelParameters()
    regions: str | None = None
    regions_format: str = "auto"
