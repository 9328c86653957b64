"""Parameters of the report."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ReportingParameters(BaseModel):
    """What the report shows.

    Attributes:
        title: Heading; the study's name follows it.
        overlays: Images shown with what was found, missed and made up: the worst and the best by F1.
        strips: Test images that the comparison of models shows side by side.
        findings: Most conversion findings listed on the page; the table on disk holds all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str = "Cell detection"
    overlays: Annotated[int, Field(ge=0, le=40)] = 8
    strips: Annotated[int, Field(ge=0, le=40)] = 4
    findings: Annotated[int, Field(ge=0)] = 50
