"""Parameters of the benchmark of models."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

from cell_pipelines.inference.benchmark.engine_runs import Settings
from cell_pipelines.models.spec import NetworkChoice

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


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class BenchmarkParameters(Settings):
    """Parameters of the benchmark: the library's settings of the measurement, and what is measured.

    Attributes:
        engines: What networks are run on; those that can't be used here have a row that says why.
        networks: Of untrained networks: YOLOs by the name of their weights, others by architecture and encoder.
        network_size: Side of the images that untrained networks are given.
        network_categories: How many classes untrained networks tell apart.
        network_channels: Channels of the images of untrained networks; YOLOs always take three.
        quality: Metric that is shown over costs; None for the first that all models have of F1 of masks, of centroids,
            and of boxes.
        title: Of the page.
    """

    engines: tuple[EngineName, ...] = ("pytorch", "onnxruntime", "openvino", "pytorch_cuda", "tensorrt")
    networks: tuple[str | NetworkChoice, ...] = ()
    network_size: Side = 640
    network_categories: Annotated[int, Field(ge=1)] = 1
    network_channels: Annotated[int, Field(ge=1)] = 3
    quality: str | None = None
    title: str = "What models cost"

    @field_validator("engines")
    @classmethod
    def _some(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if not engines or len(set(engines)) < len(engines):
            raise ValueError(f"must be different engines, got {engines}")
        return engines
