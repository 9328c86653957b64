"""Match corrected objects to proposed ones: one to one, one split into several, several merged into one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.geometry.shapes import Shapes, drawable, iou_of, near_pairs
from cell_pipelines.annotations.schema import GEOMETRIES
from cell_pipelines.typing import BoolArray, FloatArray, IntArray

_POINT = GEOMETRIES.index("point")


@dataclass(frozen=True)
class CorrectionRules:
    """Rules for when two objects are the same cell, and when a person has changed it.

    Attributes:
        matched_iou: Least IoU of a proposed and a corrected object that stand for one cell.
        same_iou: Least IoU of an object that was left as it was; below, it was reshaped.
        part_share: Least share of a piece that lies in the whole it was cut from, and of the whole that its pieces
            cover.
        matched_px: Largest distance in pixels of a proposed and a corrected point of one cell.
        same_px: Largest distance in pixels of a point that was left where it was.

    Raises:
        ValueError: A rule lies outside its range; all that do are named at once.
    """

    matched_iou: float = 0.5
    same_iou: float = 0.98
    part_share: float = 0.5
    matched_px: float = 10.0
    same_px: float = 0.5

    def __post_init__(self) -> None:
        wrong = []
        if not 0 < self.matched_iou <= self.same_iou <= 1:
            numbers = f"{self.matched_iou!r} and {self.same_iou!r}"
            wrong.append(
                f"`matched_iou` and `same_iou` must lie in (0, 1], the first not above the second, got {numbers}."
            )
        if not 0 < self.part_share <= 1:
            wrong.append(f"`part_share` must lie in (0, 1], got {self.part_share!r}.")
        if not 0 <= self.same_px <= self.matched_px:
            numbers = f"{self.same_px!r} and {self.matched_px!r}"
            wrong.append(f"`same_px` must be 0 or more and not above `matched_px`, got {numbers}.")
        if wrong:
            raise ValueError(" ".join(wrong))


@dataclass(frozen=True, eq=False)
class Side:
    """The proposed or the corrected objects of some images.

    Attributes:
        images: (N,) number of each object's image.
        categories: (N,) number of each object's class, the same on both sides.
    """

    images: IntArray
    categories: IntArray


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a proposed and a corrected object that lie upon or near each other.

    Attributes:
        proposed: (K,) proposed object.
        corrected: (K,) corrected object.
        shared: (K,) area in px² that both cover.
        iou: (K,) NaN where one of them has no area.
        distance: (K,) distance in pixels of objects without area, NaN for others.
    """

    proposed: IntArray
    corrected: IntArray
    shared: FloatArray
    iou: FloatArray
    distance: FloatArray

    def take(self, chosen: IntArray | BoolArray) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(**{name: values[chosen] for name, values in vars(self).items()})


def find_pairs(shapes: Shapes, proposed: Side, corrected: Side, reach_px: float) -> Pairs:
    """Return the pairs of a proposed and a corrected object that share an area, or of two points within `reach_px`.

    Args:
        shapes: The proposed objects, then the corrected ones.
        proposed: Images and classes of the proposed ones.
        corrected: Images and classes of the corrected ones.
        reach_px: Distance in pixels up to which objects without area are paired.
    """
    start = len(proposed.images)
    flat = _is_flat(shapes)
    reach = np.where(flat, reach_px / 2, 0.0)[:, None] * np.array([-1.0, -1.0, 1.0, 1.0])
    usable = drawable(shapes.boxes)
    boxes = shapes.boxes + reach
    one, other = np.flatnonzero(usable[:start]), np.flatnonzero(usable[start:])
    parts = [
        _measure(shapes, flat, one[first], other[second] + start)
        for first, second in near_pairs(boxes[one], proposed.images[one], boxes[other + start], corrected.images[other])
    ]
    columns = [np.concatenate([np.empty(0), *(part[i] for part in parts)]) for i in range(5)]
    first, second = columns[0].astype(np.int64), columns[1].astype(np.int64) - start
    pairs = Pairs(first, second, columns[2], columns[3], columns[4])
    return pairs.take((pairs.shared > 0) | (pairs.distance <= reach_px))


def _is_flat(shapes: Shapes) -> BoolArray:
    """Say which objects are places rather than areas."""
    return np.asarray((shapes.geometry == _POINT) | ~(shapes.areas > 0))


def _measure(shapes: Shapes, flat: BoolArray, first: IntArray, second: IntArray) -> tuple[npt.NDArray[Any], ...]:
    shared = shapes.shared_areas(first, second)
    iou = iou_of(shared, shapes.areas[first], shapes.areas[second])
    centre = [(shapes.boxes[rows, :2] + shapes.boxes[rows, 2:]) / 2 for rows in (first, second)]
    distance = np.hypot(*(centre[0] - centre[1]).T)
    iou[flat[first] | flat[second]] = np.nan
    distance[~(flat[first] & flat[second])] = np.nan
    return first, second, shared, iou, distance


def match_one_to_one(pairs: Pairs, proposed: Side, corrected: Side, rules: CorrectionRules) -> IntArray:
    """Return the places in `pairs` of a one-to-one matching, the best pair first, of equal ones that of one class."""
    nearness = 1 - pairs.distance / max(rules.matched_px, 1e-9)
    closeness = np.where(np.isnan(pairs.iou), nearness, pairs.iou)
    enough = np.where(np.isnan(pairs.iou), pairs.distance <= rules.matched_px, pairs.iou >= rules.matched_iou)
    differs = proposed.categories[pairs.proposed] != corrected.categories[pairs.corrected]
    order = np.lexsort([pairs.corrected, pairs.proposed, differs, -np.round(closeness, 9)])
    free_proposed, free_corrected = set(pairs.proposed.tolist()), set(pairs.corrected.tolist())
    taken = []
    for place in order[enough[order]].tolist():
        one, other = int(pairs.proposed[place]), int(pairs.corrected[place])
        if one in free_proposed and other in free_corrected:
            free_proposed.remove(one)
            free_corrected.remove(other)
            taken.append(place)
    return np.array(taken, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Wholes:
    """Pairs read as a whole and its possible pieces; for cut objects the whole was proposed, for merged ones corrected.

    Attributes:
        whole: (K,) row of the whole in `Shapes`.
        piece: (K,) row of the piece in `Shapes`.
        shared: (K,) area in px² that both cover.
    """

    whole: IntArray
    piece: IntArray
    shared: FloatArray


def find_pieces(shapes: Shapes, wholes: Wholes, partner: IntArray, settled: BoolArray, share: float) -> IntArray:
    """Return the places of those pairs in which a whole has become, or was made of, two or more pieces.

    Args:
        shapes: All objects.
        wholes: The pairs.
        partner: (N,) the object that each was matched with, -1 for none.
        settled: (N,) objects that can be neither whole nor piece, such as those left as they were.
        share: Least share of a piece in its whole, and of a whole covered by its pieces.
    """
    whole, piece = wholes.whole, wholes.piece
    inside = wholes.shared >= share * shapes.areas[piece]
    free = (partner[piece] < 0) | (partner[piece] == whole)
    places = np.flatnonzero(inside & free & ~settled[whole] & ~settled[piece] & (wholes.shared > 0))
    # A piece belongs to the whole that holds most of it.
    places = places[np.lexsort([-wholes.shared[places], piece[places]])]
    places = places[np.unique(piece[places], return_index=True)[1]]
    # What lies within the object that the whole was matched with was added to it, not cut from it.
    matched = partner[whole[places]]
    has_match = (matched >= 0) & (matched != piece[places])
    within = np.zeros(len(places), dtype=bool)
    own = piece[places][has_match]
    within[has_match] = shapes.shared_areas(matched[has_match], own) >= share * shapes.areas[own]
    places = places[~within]
    return places[_make_up(wholes, places, shapes.areas, share)]


def _make_up(wholes: Wholes, places: IntArray, areas: FloatArray, share: float) -> BoolArray:
    """Say which pairs belong to a whole of at least two pieces that together cover enough of it."""
    own, index = np.unique(wholes.whole[places], return_inverse=True)
    covered = np.bincount(index, weights=wholes.shared[places], minlength=len(own))
    enough = (np.bincount(index, minlength=len(own)) >= 2) & (covered >= share * areas[own])
    return np.asarray(enough[index])
