"""Parameters of the pre-annotation and of the comparison with what a person made of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from cell_pipelines.analysis.annotating.correction_matching import CorrectionRules
from cell_pipelines.analysis.annotating.pre_annotation import PreAnnotationOptions
from cell_pipelines.workflows.parallel import ParallelParameters


class PreAnnotationParameters(BaseModel):
    """Parameters of pre-annotation.

    Attributes:
        proposals: How cells are found, by the names of `PreAnnotationOptions`.
        category: Class name of the proposed cells.
        format: Annotation format that a person's program opens.
        options: Options of the format's writer, and `geometries` to write these only.
        overlays: Draw the outlines of the proposals on the images.
        corrections: How the corrected annotations are compared, by the names of `CorrectionRules`.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    proposals: PreAnnotationOptions = PreAnnotationOptions()
    category: str = "cell"
    format: str = "qupath_geojson"
    options: dict[str, Any] = {}
    overlays: bool = True
    corrections: CorrectionRules = CorrectionRules()
    parallel: ParallelParameters = ParallelParameters()
