"""Parameters of the annotation export."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class ExportParameters(BaseModel):
    """Parameters of the export.

    Attributes:
        format: Name of the annotation format.
        geometries: Write these geometries only, of those that the format has; None for all.
        confidence: Leave out objects with a lower score; objects without score stay. None for none.
        options: Options of the format's writer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = "qupath_geojson"
    geometries: tuple[str, ...] | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    options: dict[str, Any] = {}
