"""Parameters of the data preparation."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cell_pipelines.workflows.parallel import ParallelParameters

Fraction = Annotated[float, Field(ge=0, le=1)]


class SplitParameters(BaseModel):
    """Parameters of the split into training, validation and test images.

    Attributes:
        train: Share of the images to learn from.
        val: Share to choose epochs and thresholds on.
        test: Share of test images.
        seed: Of the order in which groups of equal weight are dealt out.
        keep_source: Honour the split that the source gives.
        group_pattern: Regular expression over image names; images with the same match stay together. ``auto`` takes the
            series of `image_pattern`, else what names tell by themselves; None makes each image its own group.
        image_pattern: How names tell series, condition and more; a regular expression with named groups.
        split_pattern: Regular expression over image names whose group ``split`` is train, val or test.
        find_near_duplicates: Look for images of the same field, also turned, mirrored, cropped, resized or brightened
            ones, and keep them on one side.
        allow_near_duplicates: Go on where a split that was given has such images on two sides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    train: Fraction = 0.7
    val: Fraction = 0.2
    test: Fraction = 0.1
    seed: Annotated[int, Field(ge=0)] = 0
    keep_source: bool = True
    group_pattern: str | None = "auto"
    image_pattern: str | None = None
    split_pattern: str | None = None
    find_near_duplicates: bool = True
    allow_near_duplicates: bool = False

    @model_validator(mode="after")
    def _add_up(self) -> "SplitParameters":
        if abs(self.train + self.val + self.test - 1) > 1e-6:
            raise ValueError(f"train, val and test must add up to 1, got {self.train + self.val + self.test:g}")
        return self


class TilingParameters(BaseModel):
    """Parameters of tiling large images for training; evaluation and prediction see whole images.

    Attributes:
        size: Side of a tile in pixels; None for no tiling.
        overlap: Least overlap of neighbouring tiles in pixels.
        min_visible: A cell belongs to a tile that shows at least this share of its box.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    size: Annotated[int, Field(ge=32)] | None = None
    overlap: Annotated[int, Field(ge=0)] = 64
    min_visible: Fraction = 0.3


class PreparationParameters(BaseModel):
    """Parameters of the preparation of a training set.

    Attributes:
        split: Division into train, val and test.
        tiling: Cutting of large images.
        normalisation: How images are brought to the 8 bits that YOLO reads. ``percentile``: by the image's own 0.1 to
            99.9 percent, the same whatever its type; ``percentile_above_8_bit``: likewise, but 8 bits stay as they are,
            as Ultralytics trains; ``full_range``: by the range of the image's type; ``none``: 8 bits only.
        parallel: How the images are spread over processors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: SplitParameters = SplitParameters()
    tiling: TilingParameters = TilingParameters()
    normalisation: Literal["none", "full_range", "percentile", "percentile_above_8_bit"] = "percentile"
    parallel: ParallelParameters = ParallelParameters()
