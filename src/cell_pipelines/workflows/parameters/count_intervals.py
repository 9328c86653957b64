"""Parameters of the intervals of counts, which tuning learns and evaluation checks."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class CountIntervalParameters(BaseModel):
    """Parameters of the interval of an image's count, made from the errors on validation images.

    Attributes:
        level: How often it shall hold the true count. At least level / (1 - level) validation images are needed for a
            finite interval: 9 for 0.9, 19 for 0.95; about twice as many where it is not symmetric.
        scale: How errors grow with the predicted count: ``sqrt``, as its root; ``linear``, as the count; ``constant``.
        symmetric: Whether it reaches as far down as up; if not, each side is learned by itself.
        exchangeable: What is like what: ``images``, each by itself; ``groups``, series that a split keeps together, so
            that it holds for images of a new series, too; ``auto``: groups where validation has enough of them for a
            finite interval, else images, and it is said.
        calibrated_on: What the validation images are, for a model that is to count images of other sources; the note
            of its counts then names them, since there its intervals may hold less often. Empty says nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.9
    scale: Literal["constant", "sqrt", "linear"] = "sqrt"
    symmetric: bool = True
    exchangeable: Literal["auto", "images", "groups"] = "auto"
    calibrated_on: str = ""
