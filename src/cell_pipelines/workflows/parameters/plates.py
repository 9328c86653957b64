"""Parameters of plates."""

from pathlib import Path

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cell_pipelines.analysis.plates.rules import PlateRules


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class PlateParameters(PlateRules):
    """Parameters of plates: the library's rules, and the page.

    Attributes:
        index: An index file of the plate reader, or the folder that holds them, in place of the names of images.
        title: Of the page.
    """

    index: Path | None = None
    title: str = "Plates"
