"""Parameters of the evaluation."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.workflows.parallel import ParallelParameters


class EvaluationParameters(BaseModel):
    """Parameters of the evaluation, the same for models of every kind.

    Attributes:
        split: Images that are evaluated.
        iou: A prediction that overlaps a true cell of its class by at least this is right.
        max_distance_px: Farthest that a predicted centroid may lie from a true one; None for the average cell's
            diameter.
        centroid_matching: ``hungarian``: one to one, as many as possible, then the least distance in all;
            ``greedy_2021``: each true cell takes the nearest, as Morelli et al. 2021 write; ``greedy_2021_code``: as
            their code does.
        matching: By what overlays and their captions match cells: ``mask``, ``box`` or ``centroid``; None for masks
            where both sides have them, else boxes, else centroids. Tables have all three.
        resample: What is drawn for intervals, tests and ranks: ``images``, which says that they are independent;
            ``groups``, the series, wells or recordings that images belong to; ``auto``: groups where there are two or
            more, else images, and then a difference between models must also hold over likely series of them.
        resamples: Bootstrap samples for intervals.
        seed: Of the bootstrap.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: Literal["test", "val"] = "test"
    iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    max_distance_px: Annotated[float, Field(gt=0)] | None = None
    centroid_matching: Literal["hungarian", "greedy_2021", "greedy_2021_code"] = "hungarian"
    matching: Literal["mask", "box", "centroid"] | None = None
    resample: Literal["auto", "images", "groups"] = "auto"
    resamples: Annotated[int, Field(ge=100)] = 2000
    seed: Annotated[int, Field(ge=0)] = 0
    parallel: ParallelParameters = ParallelParameters()
