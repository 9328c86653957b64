"""Parameters of tracking."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.analysis.tracking.linking import LinkingSettings
from cell_pipelines.workflows.parallel import ParallelParameters


class TrackingParameters(BaseModel):
    """Parameters of tracking.

    Attributes:
        linking: By the names of `LinkingSettings`.
        max_distance_um: Farthest that a cell moves from a frame to the next in micrometres, in place of
            `linking.max_distance_px`, for images with a known pixel size.
        frame_interval_min: Minutes from a frame to the next; None measures in frames.
        truth_attribute: Attribute of annotated cells that holds the number of their track: ``label`` of label images,
            ``track`` of generated ones; None where true tracks are not known.
        films: Sequences that are drawn as films.
        trail: Frames that a cell's way stays visible.
        fps: Frames a second of the films.
        title: Of the page.
        parallel: How images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    linking: LinkingSettings = LinkingSettings()
    max_distance_um: Annotated[float, Field(gt=0)] | None = None
    frame_interval_min: Annotated[float, Field(gt=0)] | None = None
    truth_attribute: str | None = None
    films: Annotated[int, Field(ge=0)] = 2
    trail: Annotated[int, Field(ge=0)] = 10
    fps: Annotated[float, Field(gt=0, le=60)] = 6.0
    title: str = "Tracks"
    parallel: ParallelParameters = ParallelParameters()
