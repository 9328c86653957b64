"""What a format can hold, said once by each format and used to reduce what it can't, with an account."""

from dataclasses import dataclass
from typing import Literal

from cell_pipelines.annotations.schema import GEOMETRIES, Geometry

Classes = Literal["all", "used", "one"]


@dataclass(frozen=True)
class Capabilities:
    """What comes back when a format is written and read again.

    Attributes:
        geometries: Geometries that keep their form.
        holes: Polygons may have holes.
        pieces: Polygons may consist of several pieces.
        scores: Scores are kept.
        crowds: The mark of a crowd is kept.
        attributes: ``True`` for any attributes, or the names of those that are kept.
        overlaps: Objects may share pixels; where not, each pixel belongs to the first object.
        touching: Objects that touch stay apart; where not, they become one and pieces become objects of their own.
        empty_images: Images without objects are kept as such.
        splits: The split of an image is kept.
        classes: ``all`` class names, only those ``used`` by an object, or ``one`` nameless class.
        thinnest_box: Boxes not wider and higher than this many pixels can't be told from boxes without area.
        coordinate_step: Coordinates are rounded to multiples of this many pixels; 0 for no rounding to speak of.
    """

    geometries: tuple[Geometry, ...]
    holes: bool = True
    pieces: bool = True
    scores: bool = True
    crowds: bool = False
    attributes: bool | tuple[str, ...] = True
    overlaps: bool = True
    touching: bool = True
    empty_images: bool = True
    splits: bool = False
    classes: Classes = "all"
    thinnest_box: float = 0.0
    coordinate_step: float = 0.0

    def __post_init__(self) -> None:
        unknown = set(self.geometries) - set(GEOMETRIES)
        if unknown or not self.geometries:
            raise ValueError(f"`geometries` must be some of {', '.join(GEOMETRIES)}, got {self.geometries}.")
