"""Parameters of the annotation conversion."""

from pydantic import BaseModel, ConfigDict

from cell_pipelines.annotations.quality.problems import QualityLimits
from cell_pipelines.workflows.parallel import ParallelParameters


class ConversionParameters(BaseModel):
    """Parameters of reading a source.

    Attributes:
        strict: Fail on any file skipped and any object dropped or changed, instead of listing it.
        quality: From where on something in the annotations is worth a look, by the names of `QualityLimits`.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    strict: bool = False
    quality: QualityLimits = QualityLimits()
    parallel: ParallelParameters = ParallelParameters()
