"""Parameters of the pre-annotation and of the comparison with what a person made of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.workflows.parallel import ParallelParameters

Share = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(ge=0)]


class ProposalParameters(BaseModel):
    """Parameters of finding cells by their brightness alone; sizes in pixels.

    Attributes:
        channel: Channel to look at; None takes the mean of all.
        foreground: Whether cells are brighter or darker than what is around them.
        denoise: Filter before anything else.
        denoise_px: Standard deviation of the Gaussian, or radius of the median's square.
        background: What is subtracted: nothing, an opening (white top-hat), or a rolling ball.
        background_px: Radius of square or ball; larger than a cell.
        threshold: From the image's histogram, or ``local``: brighter than the surroundings.
        threshold_scale: The histogram's threshold is multiplied by this.
        local_px: Standard deviation of the surroundings; about the size of a cell.
        local_contrast: How much brighter than its surroundings a pixel must be, as a share of the image's range.
        max_hole_px: Holes up to this area in px² are filled.
        split: How touching cells are cut: not at all, between centres far enough apart, or deep enough.
        split_px: That distance or depth.
        min_area_px: Smallest area of a cell in px².
        max_area_px: Largest area of a cell in px².
        clear_border: Whether cells that touch the image's border are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    channel: Annotated[int, Field(ge=0)] | None = None
    foreground: Literal["bright", "dark"] = "bright"
    denoise: Literal["none", "gaussian", "median"] = "gaussian"
    denoise_px: Length = 1.0
    background: Literal["none", "top_hat", "rolling_ball"] = "none"
    background_px: Length = 50.0
    threshold: Literal["otsu", "triangle", "li", "local"] = "otsu"
    threshold_scale: Length = 1.0
    local_px: Length = 15.0
    local_contrast: Length = 0.05
    max_hole_px: Length = float("inf")
    split: Literal["none", "min_distance", "h_maxima"] = "h_maxima"
    split_px: Length = 0.75
    min_area_px: Length = 20.0
    max_area_px: Length = float("inf")
    clear_border: bool = False


class CorrectionParameters(BaseModel):
    """Rules for when two objects are the same cell, and when a person has changed it.

    Attributes:
        matched_iou: Least IoU of a proposed and a corrected object that stand for one cell.
        same_iou: Least IoU of an object that was left as it was; below, it was reshaped.
        part_share: Least share of a piece that lies in the whole it was cut from, and the other way round.
        matched_px: Largest distance in pixels of a proposed and a corrected point of one cell.
        same_px: Largest distance in pixels of a point that was left where it was.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    matched_iou: Share = 0.5
    same_iou: Share = 0.98
    part_share: Share = 0.5
    matched_px: Length = 10.0
    same_px: Length = 0.5


class PreAnnotationParameters(BaseModel):
    """Parameters of pre-annotation.

    Attributes:
        proposals: How cells are found.
        category: Class name of the proposed cells.
        format: Annotation format that a person's program opens.
        overlays: Draw the outlines of the proposals on the images.
        corrections: How the corrected annotations are compared.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    proposals: ProposalParameters = ProposalParameters()
    category: str = "cell"
    format: str = "qupath_geojson"
    overlays: bool = True
    corrections: CorrectionParameters = CorrectionParameters()
    parallel: ParallelParameters = ParallelParameters()
