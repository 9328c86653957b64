"""Rules by which images become wells and wells become statements about compounds."""

from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

#: Roles of wells in a layout.
Role: TypeAlias = Literal["sample", "control_negative", "control_positive", "empty"]
NEGATIVE, POSITIVE, SAMPLE, EMPTY = "control_negative", "control_positive", "sample", "empty"


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class PlateRules:
    """Rules of a plate.

    Attributes:
        measure: Column of the table of images or cells that is the value of a well; several rows of one image are
            averaged.
        relative_to: Column that the measure is a part of, such as ``total``; the value is then 100 measure / this.
        name_pattern: Regular expression with the groups well, or row and column, and any of site, channel, time and
            plane; None reads the names of plate readers as they are known.
        channel: Channel of the images that count, where names tell several.
        time: Time point of the images that count, likewise.
        plate_wells: Wells of the plate; None for the smallest usual plate that has them all.
        correct: `median_polish` takes effects of rows and columns from the values (Tukey; Brideau et al. 2003).
        reference: Wells that a hit differs from: the negative controls, or the samples, of which most are then
            expected to do nothing.
        false_discovery_rate: Expected part of the hits that is none, in (0, 1).
        least_effect_percent: Difference from the reference below which nothing is a hit, in per cent of the range
            between the controls.
    """

    measure: str = "total"
    relative_to: str | None = None
    name_pattern: str | None = None
    channel: str | None = None
    time: str | None = None
    plate_wells: Literal[6, 12, 24, 48, 96, 384, 1536] | None = None
    correct: Literal["none", "median_polish"] = "none"
    reference: Literal["control_negative", "sample"] = "control_negative"
    false_discovery_rate: Annotated[float, Field(gt=0, lt=1)] = 0.05
    least_effect_percent: Annotated[float, Field(ge=0)] = 0.0
