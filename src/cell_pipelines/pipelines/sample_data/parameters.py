"""Parameters of the sample data."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.simulation.brightfield import BrightfieldScene
from cell_pipelines.simulation.fish import FishScene
from cell_pipelines.simulation.live_dead import LiveDeadScene
from cell_pipelines.simulation.neurons import NeuronScene
from cell_pipelines.simulation.phase_contrast import PhaseContrastScene
from cell_pipelines.simulation.scenes import Scene
from cell_pipelines.simulation.series import Condition
from cell_pipelines.simulation.time_lapse import TimeLapseScene
from cell_pipelines.workflows.parallel import ParallelParameters


class ScenesParameters(BaseModel):
    """Parameters of a field of each other kind.

    Attributes:
        neurons: By the names of `NeuronScene`.
        phase_contrast: By the names of `PhaseContrastScene`.
        brightfield: By the names of `BrightfieldScene`.
        fish: By the names of `FishScene`.
        time_lapse: By the names of `TimeLapseScene`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neurons: NeuronScene = NeuronScene()
    phase_contrast: PhaseContrastScene = PhaseContrastScene()
    brightfield: BrightfieldScene = BrightfieldScene()
    fish: FishScene = FishScene()
    time_lapse: TimeLapseScene = TimeLapseScene()


class SampleDataParameters(BaseModel):
    """Parameters of the synthetic microscope.

    Attributes:
        kind: What is under the microscope.
        fields: Number of fields; each of the kind live_dead gives a blue and a red image.
        series: Number of series; the fields of one share a condition and a background.
        seed: Of everything random.
        scene: What a field of the kind live_dead looks like, by the names of `LiveDeadScene`.
        scenes: What fields of the other kinds look like.
        conditions: What series are treated with, in turn; None for conditions that suit the kind.
        parallel: How the fields are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["live_dead", "neurons", "phase_contrast", "brightfield", "fish", "time_lapse"] = "live_dead"
    fields: Annotated[int, Field(ge=1)] = 60
    series: Annotated[int, Field(ge=1)] = 12
    seed: Annotated[int, Field(ge=0)] = 0
    scene: LiveDeadScene = LiveDeadScene()
    scenes: ScenesParameters = ScenesParameters()
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)] | None = None
    parallel: ParallelParameters = ParallelParameters()

    @property
    def chosen_scene(self) -> Scene:
        """Scene of the chosen kind."""
        chosen: Scene = self.scene if self.kind == "live_dead" else getattr(self.scenes, self.kind)
        return chosen
