"""Parameters of the benchmark of models."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

EngineName = Literal[
    "pytorch",
    "onnxruntime",
    "openvino",
    "openvino_bfloat16",
    "pytorch_cuda",
    "pytorch_mps",
    "onnxruntime_cuda",
    "tensorrt",
]
Side = Annotated[int, Field(ge=1)]


class NetworkChoice(BaseModel):
    """A segmentation network that is measured before it is trained.

    Attributes:
        architecture: Name in ``models/registry.py``.
        encoder: As segmentation-models-pytorch names it; None where the architecture has its own.
        options: Of the architecture.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    architecture: str
    encoder: str | None = None
    options: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """Name in tables."""
        return f"{self.architecture} {self.encoder}" if self.encoder else self.architecture


class BenchmarkParameters(BaseModel):
    """Parameters of the benchmark.

    Attributes:
        engines: What networks are run on; those that can't be used here have a row that says why.
        batches: Images at once, rising; larger ones are left out once they are no faster.
        seconds: Time that each of them is measured for.
        threads: Processors; None for all.
        memory_mb: Memory that a batch may take; None for half of what is free.
        size: Height and width of the images; None for those that a model was trained with.
        networks: Of untrained networks: YOLOs by the name of their weights, others by architecture and encoder.
        network_size: Side of the images that untrained networks are given.
        network_categories: How many classes untrained networks tell apart.
        network_channels: Channels of the images of untrained networks; YOLOs always take three.
        quality: Metric that is shown over costs; None for the first that all models have of F1 of masks, of centroids,
            and of boxes.
        title: Of the page.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    engines: tuple[EngineName, ...] = ("pytorch", "onnxruntime", "openvino", "pytorch_cuda", "tensorrt")
    batches: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2, 4, 8, 16, 32)
    seconds: Annotated[float, Field(gt=0)] = 2.0
    threads: Annotated[int, Field(ge=1)] | None = None
    memory_mb: Annotated[float, Field(gt=0)] | None = None
    size: tuple[Side, Side] | None = None
    networks: tuple[str | NetworkChoice, ...] = ()
    network_size: Side = 640
    network_categories: Annotated[int, Field(ge=1)] = 1
    network_channels: Annotated[int, Field(ge=1)] = 3
    quality: str | None = None
    title: str = "What models cost"

    @field_validator("batches")
    @classmethod
    def _rising(cls, batches: tuple[int, ...]) -> tuple[int, ...]:
        if not batches or sorted(set(batches)) != list(batches):
            raise ValueError(f"must be rising numbers, got {batches}")
        return batches

    @field_validator("engines")
    @classmethod
    def _some(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if not engines or len(set(engines)) < len(engines):
            raise ValueError(f"must be different engines, got {engines}")
        return engines
