"""Parameters of the sample data."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cell_pipelines.pipelines.sample_data.fields import CATEGORIES
from cell_pipelines.simulation.brightfield import BrightfieldScene
from cell_pipelines.simulation.fish import FishScene
from cell_pipelines.simulation.live_dead import LiveDeadScene
from cell_pipelines.simulation.neurons import NeuronScene
from cell_pipelines.simulation.nuclei import NucleiScene
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
        nuclei: By the names of `NucleiScene`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neurons: NeuronScene = NeuronScene()
    phase_contrast: PhaseContrastScene = PhaseContrastScene()
    brightfield: BrightfieldScene = BrightfieldScene()
    fish: FishScene = FishScene()
    time_lapse: TimeLapseScene = TimeLapseScene()
    nuclei: NucleiScene = NucleiScene()


class SourceParameters(BaseModel):
    """Parameters of annotated images of another study that are learned from beside generated ones.

    Attributes:
        images: Folder of the images.
        annotations: Folder or file of their annotations: masks or polygons.
        format: Of the annotations.
        split_table: A CSV with the columns image and split. Images of its side train are learned from, those of val
            are for validation; those of test, and any that it doesn't name, are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    images: Path
    annotations: Path
    format: str = "auto"
    split_table: Path


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
        sources: Annotated images of other studies, by a name each, that are added; every cell is one of the kind's.
        leave_out: Names of sources that are not added after all, to evaluate on what was never seen.
        validation_share: With `sources`, share of the generated fields that are for validation.
        parallel: How the fields are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["live_dead", "neurons", "phase_contrast", "brightfield", "fish", "time_lapse", "nuclei"] = "live_dead"
    fields: Annotated[int, Field(ge=1)] = 60
    series: Annotated[int, Field(ge=1)] = 12
    seed: Annotated[int, Field(ge=0)] = 0
    scene: LiveDeadScene = LiveDeadScene()
    scenes: ScenesParameters = ScenesParameters()
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)] | None = None
    sources: dict[str, SourceParameters] = {}
    leave_out: tuple[str, ...] = ()
    validation_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    parallel: ParallelParameters = ParallelParameters()

    @model_validator(mode="after")
    def _name_known_sources(self) -> "SampleDataParameters":
        unknown = sorted(set(self.leave_out) - set(self.sources))
        if unknown:
            known = ", ".join(self.sources) or "none"
            raise ValueError(f"`leave_out` must name some of `sources` ({known}), got {', '.join(unknown)}")
        if self.sources and len(CATEGORIES[self.kind]) != 1:
            raise ValueError(f"`sources` go with a kind of one class, got {self.kind}")
        return self

    @property
    def chosen_scene(self) -> Scene:
        """Scene of the chosen kind."""
        chosen: Scene = self.scene if self.kind == "live_dead" else getattr(self.scenes, self.kind)
        return chosen
