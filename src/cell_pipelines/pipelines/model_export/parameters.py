"""Parameters of the export of a model."""

from pydantic import BaseModel, ConfigDict, field_validator

from cell_pipelines.workflows.model_export import check_format


class ModelExportParameters(BaseModel):
    """Parameters of the export.

    Attributes:
        format: ``onnx``, ``torchscript``, ``openvino`` or ``bioimageio``.
        image: Of ``bioimageio``: an image that the test image is cut from; None for a generated one.
        licence: Of ``bioimageio``: SPDX identifier of the weights' licence; None for none.
        authors: Of ``bioimageio``: names of people.
        description: Of ``bioimageio``: what the model is for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = "onnx"
    image: str | None = None
    licence: str | None = None
    authors: tuple[str, ...] = ()
    description: str | None = None

    @field_validator("format")
    @classmethod
    def _known(cls, format: str) -> str:
        check_format(format)
        return format
