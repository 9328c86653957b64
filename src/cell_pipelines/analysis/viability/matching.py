"""Match dead cells to nuclei of a field: the images of two channels, one to one within a reach."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cell_pipelines.analysis.viability.rules import ViabilityRules, some_of
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.metrics.centroids import match_centroids
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

Roles = tuple[int, int]  # rows of the image of nuclei and of the image of dead cells


@dataclass(frozen=True, eq=False)
class MatchedDead:
    """The dead cells of a field and their nuclei; indices are rows among the field's objects.

    Attributes:
        nuclei: Nuclei in their image.
        dead: Dead cells in theirs.
        partner: Nucleus of each dead cell, -1 for none.
        distance_px: Distance to it; nan for none.
        max_distance_px: The largest distance allowed; nan where there was nothing to match.
    """

    nuclei: IntArray
    dead: IntArray
    partner: IntArray
    distance_px: FloatArray
    max_distance_px: float

    @property
    def found(self) -> BoolArray:
        """Dead cells that have a nucleus."""
        return self.partner >= 0


def find_roles(cells: AnnotationSet, rules: ViabilityRules) -> Roles:
    """Tell the image of nuclei from that of dead cells by what they hold, in a field of one or two images.

    One image is both. Of two, the pair of roles is taken in which more objects lie in the image of their category.

    Raises:
        ValueError: There are more than two images; both could be either; or both seem to show the same channel: more
            nuclei than dead cells lie in the image of dead cells, and more than half as many as in that of nuclei, or
            the reverse.
    """
    if cells.n_images == 1:
        return 0, 0
    if cells.n_images != 2:
        raise ValueError(f"{cells.n_images} images, where one or two are expected")
    nuclei, dead = objects_of(cells, rules)
    first, second = int(nuclei[0] + dead[1]), int(nuclei[1] + dead[0])
    if first == second > 0:
        raise ValueError("two images of which either could be that of dead cells")
    roles = (0, 1) if first >= second else (1, 0)
    for own, other in ((nuclei[list(roles)], dead[list(roles)]), (dead[list(roles[::-1])], nuclei[list(roles[::-1])])):
        if 2 * own[1] > own[0] and own[1] > other[1]:
            raise ValueError("two images of the same channel")
    return roles


def objects_of(cells: AnnotationSet, rules: ViabilityRules) -> tuple[IntArray, IntArray]:
    """Count nuclei (or living cells) and dead cells of each image, two arrays (images,), without ignored regions."""
    counts = select_objects(cells, ~cells.crowd).counts()
    return counts[:, cells.categories.index(rules.cells)], counts[:, cells.categories.index(rules.dead)]


def match_dead(cells: AnnotationSet, centroids: FloatArray, rules: ViabilityRules, roles: Roles) -> MatchedDead:
    """Match dead cells to nuclei, one to one, as many as the distance allows and at the least total distance.

    Args:
        cells: The images of a field.
        centroids: (N, 2) of all objects as (row, column) in pixels.
        rules: The categories and the largest distance.
        roles: Rows of the image of nuclei and of that of dead cells.

    Raises:
        ValueError: The two images differ in size or pixel size; the distance is given in um and the pixel size is not
            known; or no distance is given and the nuclei have no area.
    """
    scale, pixel_um = _pixels(cells, roles)
    nuclei, dead = (
        np.flatnonzero((cells.image_index == image) & (cells.category == cells.categories.index(name)) & ~cells.crowd)
        for image, name in zip(roles, (rules.cells, rules.dead), strict=True)
    )
    partner, distance, reach = np.full(dead.size, -1), np.full(dead.size, np.nan), np.nan
    if nuclei.size:
        reach = _reach_px(cells, nuclei, rules, pixel_um)
    elif rules.max_distance_um is not None and pixel_um is None:
        raise ValueError("no pixel size, which a distance in um needs")
    if nuclei.size and dead.size:
        matching = match_centroids(centroids[nuclei] * scale, centroids[dead] * scale, max_distance=reach)
        partner = np.where(matching.is_true_positive, nuclei[matching.true_index], -1)
        distance = matching.distance
    return MatchedDead(nuclei, dead, partner.astype(np.int64), distance, float(reach))


def _reach_px(cells: AnnotationSet, nuclei: IntArray, rules: ViabilityRules, pixel_um: float | None) -> float:
    if rules.max_distance_px is not None:
        return rules.max_distance_px
    if rules.max_distance_um is not None:
        if pixel_um is None:
            raise ValueError("no pixel size, which a distance in um needs")
        return rules.max_distance_um / pixel_um
    kept = np.zeros(cells.n_objects, dtype=np.bool_)
    kept[nuclei] = True
    areas = object_areas(select_objects(cells, kept))
    areas = areas[np.isfinite(areas) & (areas > 0)]
    if not areas.size:
        raise ValueError("nuclei without an area, for which a largest distance must be given")
    return float(np.sqrt(areas / np.pi).mean())


def _pixels(cells: AnnotationSet, roles: Roles) -> tuple[FloatArray, float | None]:
    """Return what rows and columns are multiplied by for square pixels of the same area, and their side in um."""
    columns = {name: cells.images[name].to_pylist() for name in cells.images.column_names}
    if len({(columns["height"][row], columns["width"][row]) for row in roles}) > 1:
        raise ValueError("images of different size, which cannot show the same view")
    known = {
        (columns["pixel_height_um"][row], columns["pixel_width_um"][row])
        for row in roles
        if _is_known(columns["pixel_height_um"][row], columns["pixel_width_um"][row])
    }
    if len(known) > 1:
        raise ValueError("images of different pixel size")
    if not known:
        return np.ones(2), None
    sides = np.array(known.pop(), dtype=np.float64)
    side = float(np.sqrt(sides.prod()))
    return (sides / side if sides[0] != sides[1] else np.ones(2)), side


def _is_known(*sides: float | None) -> bool:
    return all(side is not None and np.isfinite(side) and side > 0 for side in sides)


def name_each(problems: Sequence[tuple[str, str]]) -> str:
    """Return fields and what is wrong with them as one sentence, the same problem told once."""
    fields: dict[str, list[str]] = {}
    for field, problem in problems:
        fields.setdefault(problem, []).append(field)
    told = "; ".join(f"{some_of(names)}: {problem}" for problem, names in fields.items())
    return f"{len(problems)} of the fields cannot be counted ({told})."
