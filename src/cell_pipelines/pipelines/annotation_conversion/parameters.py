"""Parameters of the annotation conversion."""

from pydantic import BaseModel, ConfigDict

from cell_pipelines.pipelines.partitions import ParallelParameters


class ConversionParameters(BaseModel):
    """How a source is read.

    Attributes:
        strict: Fail on any file skipped and any object dropped or changed, instead of listing it.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    strict: bool = False
    parallel: ParallelParameters = ParallelParameters()
