"""Parameters of the export of a model."""

from pydantic import BaseModel, ConfigDict, field_validator

from cell_pipelines.workflows.model_export import check_format


class ModelExportParameters(BaseModel):
    """Parameters of the export.

    Attributes:
        format: ``onnx``, ``torchscript`` or ``openvino``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = "onnx"

    @field_validator("format")
    @classmethod
    def _known(cls, format: str) -> str:
        check_format(format)
        return format
