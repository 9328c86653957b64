"""Parameters of the threshold optimisation, which say what has to be scored, too."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cell_pipelines.old_names import rename_old_parameters
from cell_pipelines.workflows.parallel import ParallelParameters

_OLD_NAMES: Final = {"cutoff": "threshold", "cutoffs": "n_thresholds", "spacings": "min_distances"}
Share = Annotated[float, Field(ge=0, le=1)]
Factors = Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]


class ThresholdParameters(BaseModel):
    """Parameters of threshold optimisation: of each class's score for detectors, else of threshold and sizes together.

    Attributes:
        split: Images to choose on; never those of the test.
        scored: Labelled images, beside those of `split`, that the network is run on, for the evaluation.
        objective: ``f1_iou``: F1 of cells that overlap a true one by `iou`; ``f1_centroid``: F1 of cells whose centroid
            is a true one's within the distance; ``count_mae``: mean absolute count error; ``count_bias``: mean count
            error, either way.
        choice: ``one_standard_error``: of those within one standard error of the best on these images, the one nearest
            to what fits the average cell; ``argmax``: the best; ``knee``: where the curve bends (Satopaa et al. 2011);
            ``fixed``: `threshold`.
        threshold: For ``fixed``.
        iou: A prediction that overlaps a true cell of its class by at least this is right.
        max_distance_px: Farthest that a predicted centroid may lie from a true one; None for the average cell's
            diameter.
        n_thresholds: Number of thresholds that are tried, evenly spaced.
        min_areas: Least areas that are tried, as multiples of the one set from the average cell size.
        min_distances: Least distances of two centroids that are tried, likewise.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: Literal["val", "train"] = "val"
    scored: tuple[Literal["val", "test"], ...] = ("val", "test")
    objective: Literal["f1_iou", "f1_centroid", "count_mae", "count_bias"] = "f1_iou"
    choice: Literal["one_standard_error", "argmax", "knee", "fixed"] = "one_standard_error"
    threshold: Share | None = None
    iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    max_distance_px: Annotated[float, Field(gt=0)] | None = None
    n_thresholds: Annotated[int, Field(ge=2, le=1000)] = 50
    min_areas: Factors = (1.0,)
    min_distances: Factors = (1.0,)
    parallel: ParallelParameters = ParallelParameters()

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, values: Any) -> Any:
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return rename_old_parameters("threshold_optimisation", values, _OLD_NAMES, defaults)

    @model_validator(mode="after")
    def _name_the_threshold(self) -> "ThresholdParameters":
        if (self.choice == "fixed") != (self.threshold is not None):
            raise ValueError(
                f"`threshold` goes with the choice `fixed` and no other, got {self.choice}, {self.threshold}"
            )
        return self
