"""Parameters of the report."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cell_pipelines.metrics.evaluated import COMPARED
from cell_pipelines.old_names import rename_old_parameters


class ReportingParameters(BaseModel):
    """Parameters of the reports.

    Attributes:
        title: Heading; the study's name follows it.
        overlays: Images shown with true positives, false positives and false negatives: the worst and the best by F1.
        montages: Test images that the comparison of models shows side by side.
        scores: Test images shown from a network's scores to its cells.
        findings: Most conversion findings listed on a model's page; the table on disk holds all.
        pictures: Whether images of the microscope go into the pages; figures and tables always do.
        chosen_model: The model that the model card is about; None for the best of the comparison.
        main_metric: What makes a model the best; None for F1 of masks where every model has masks, else of boxes, and
            of centroids where a model only gives points.
        licence: What the model card says of the licence of the model and its data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str = "Cell detection"
    overlays: Annotated[int, Field(ge=0, le=40)] = 8
    montages: Annotated[int, Field(ge=0, le=40)] = 4
    scores: Annotated[int, Field(ge=0, le=40)] = 3
    findings: Annotated[int, Field(ge=0)] = 50
    pictures: bool = True
    chosen_model: str | None = None
    main_metric: str | None = None
    licence: str | None = None

    @field_validator("main_metric")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in COMPARED:
            raise ValueError(f"must be among {', '.join(COMPARED)}, got {name!r}")
        return name

    @model_validator(mode="before")
    @classmethod
    def _read_old_name(cls, values: Any) -> Any:
        return rename_old_parameters(
            "reporting", values, {"strips": "montages"}, {"montages": cls.model_fields["montages"].default}
        )
