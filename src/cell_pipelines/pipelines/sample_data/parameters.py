"""Parameters of the sample data."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.pipelines.partitions import ParallelParameters
from cell_pipelines.simulation.live_dead import LiveDeadScene


class SampleDataParameters(BaseModel):
    """Which fields the synthetic microscope takes.

    Attributes:
        fields: Number of fields; each gives a blue and a red image.
        series: Number of series; the fields of one share a condition and a background.
        seed: Of everything random.
        scene: What a field looks like, by the names of `LiveDeadScene`.
        parallel: How the fields are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    fields: Annotated[int, Field(ge=1)] = 60
    series: Annotated[int, Field(ge=1)] = 12
    seed: Annotated[int, Field(ge=0)] = 0
    scene: LiveDeadScene = LiveDeadScene()
    parallel: ParallelParameters = ParallelParameters()
