"""Parameters of FISH."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.analysis.fish.finding import PAPER, SpotOptions
from cell_pipelines.workflows.parallel import ParallelParameters


class FishParameters(BaseModel):
    """Parameters of FISH analysis.

    Attributes:
        channels: Number, from 0, of the image's channel that shows the red and the green probe.
        chromosomes: What each probe shows.
        spots: How spots are found, by the names of `SpotOptions`; or ``paper`` for the published method.
        merge_um: Largest distance between two dots of one signal in micrometres, in place of `spots.merge_px`, for
            images with a known pixel size.
        whole: Class of the nuclei that are counted; all others are destroyed ones.
        unit: What a statement is about: ``subject``, ``sample`` or any other column known of images.
        cluster: What makes nuclei of one unit alike: ``image``, ``sample`` or any other column.
        control_column: Column that tells controls.
        controls: Its values that mean a control; none for no thresholds.
        scored_nuclei: Nuclei scored in a sample, for the thresholds; None for the median of the controls'.
        match_px: Farthest that a found signal may lie from a true one, where the truth is known.
        level: Level of the intervals and of the beta inverse.
        pictures: Images on the page; 0 draws none at all.
        title: Of the page.
        parallel: How images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    channels: dict[str, Annotated[int, Field(ge=0)]] = {"red": 0, "green": 1}
    chromosomes: dict[str, str] = {"red": "21", "green": "X"}
    spots: SpotOptions | Literal["paper"] = SpotOptions()
    merge_um: Annotated[float, Field(gt=0)] | None = None
    whole: str = "whole"
    unit: str = "subject"
    cluster: str = "image"
    control_column: str = "condition"
    controls: tuple[str, ...] = ()
    scored_nuclei: Annotated[int, Field(ge=1)] | None = None
    match_px: Annotated[float, Field(gt=0)] = 4.0
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    pictures: Annotated[int, Field(ge=0)] = 6
    title: str = "FISH"
    parallel: ParallelParameters = ParallelParameters()

    @property
    def finder(self) -> SpotOptions:
        """Settings of the spot detection."""
        return PAPER if isinstance(self.spots, str) else self.spots
