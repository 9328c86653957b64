"""Declare what a format can hold, once per format, and reduce annotations to it with an account of what is lost."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from cell_pipelines.annotations.schema import GEOMETRIES, Geometry

Classes = Literal["all", "used", "one"]
# What a geometry becomes where a format can't hold it: the first of these that it can.
SUBSTITUTES: dict[Geometry, tuple[Geometry, ...]] = {
    "box": ("polygon", "mask", "point"),
    "polygon": ("mask", "box", "point"),
    "mask": ("polygon", "box", "point"),
    "point": (),
}


@dataclass(frozen=True)
class Capabilities:
    """Capabilities of a format: what a round trip through it preserves.

    Attributes:
        geometries: Geometries that keep their form.
        holes: Polygons may have holes.
        pieces: Polygons may consist of several pieces.
        scores: Scores are kept.
        ignored_regions: The mark of an ignored region is kept.
        attributes: ``True`` for any attributes, or the names of those that are kept.
        overlaps: Objects may share pixels; where not, each pixel belongs to the first object.
        touching: Objects that touch stay apart; where not, they become one and pieces become objects of their own.
        empty_images: Images without objects are kept as such.
        splits: The split of an image is kept.
        classes: ``all`` class names, only those ``used`` by an object, or ``one`` nameless class.
        uniform: All objects of a set have one geometry; beside polygons a box becomes a polygon.
        thinnest_box: Boxes not wider and higher than this many pixels can't be told from boxes without area.
        coordinate_step: Coordinates are rounded to multiples of this many pixels; 0 for no rounding to speak of.
    """

    geometries: tuple[Geometry, ...]
    holes: bool = True
    pieces: bool = True
    scores: bool = True
    ignored_regions: bool = False
    attributes: bool | tuple[str, ...] = True
    overlaps: bool = True
    touching: bool = True
    empty_images: bool = True
    splits: bool = False
    classes: Classes = "all"
    uniform: bool = False
    thinnest_box: float = 0.0
    coordinate_step: float = 0.0

    def for_geometries(self, used: Collection[Geometry]) -> "Capabilities":
        """Return the same for a set of objects of these geometries, of which `uniform` leaves out the box."""
        targets = {substitute(name, self) for name in used}
        if not self.uniform or not {"box", "polygon"} <= targets:
            return self
        return replace(self, geometries=tuple(name for name in self.geometries if name != "box"))

    def __post_init__(self) -> None:
        unknown = set(self.geometries) - set(GEOMETRIES)
        if unknown or not self.geometries:
            raise ValueError(f"`geometries` must be some of {', '.join(GEOMETRIES)}, got {self.geometries}.")


def substitute(geometry: Geometry, capabilities: Capabilities) -> Geometry | None:
    """Return what `geometry` becomes in a format, itself where it can stay; None where nothing can stand for it."""
    choices = (geometry, *SUBSTITUTES[geometry])
    return next((choice for choice in choices if choice in capabilities.geometries), None)
