"""Parameters of plates."""

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cell_pipelines.analysis.plates.rules import PlateRules


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class PlateParameters(PlateRules):
    """Parameters of plates: the library's rules, and the page.

    Attributes:
        title: Of the page.
    """

    title: str = "Plates"
