"""Compare proposed with corrected annotations: what a person changed, and so how good the proposal was."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.analysis.annotating.correction_matching import (
    CorrectionRules,
    Pairs,
    Side,
    Wholes,
    find_pairs,
    find_pieces,
    match_one_to_one,
)
from cell_pipelines.analysis.annotating.correction_tables import CHANGES, Change, image_table, object_table, ratios
from cell_pipelines.annotations.geometry.shapes import Shapes
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.typing import IntArray

_OBJECTS_AT_ONCE = 20_000
_DEFAULT_RULES = CorrectionRules()
_NO_CHANGES = pd.DataFrame(
    {name: np.empty(0, np.int64) for name in ("change", "proposed", "corrected", "number")}
    | {name: np.empty(0) for name in ("iou", "distance_px")}
)


@dataclass(frozen=True, eq=False)
class Corrections:
    """Changes that a person made.

    Attributes:
        objects: One row per object, or a piece of one: image, change (of `CHANGES`), proposed and corrected (rows in
            their sets, missing where there is none), proposed_category, corrected_category, iou (of objects with an
            area) and distance_px (of points). A cut object has one row per piece, and so has a merged one.
        images: One row per image: image, proposed, corrected (numbers of objects), one column per change (a cut or
            merged object counts once), precision, recall and f1 of the proposal, and mean_iou of what was matched.
        left_out: Images that only one of the sets knows; they are not compared.
    """

    objects: pd.DataFrame
    images: pd.DataFrame
    left_out: tuple[str, ...]

    def total(self) -> pd.DataFrame:
        """Return the columns of `images` but the name for all images together, as one row."""
        counts = self.images[["proposed", "corrected", *CHANGES]].sum().to_frame().T
        matched = self.objects["iou"][self.objects["change"].isin(CHANGES[: Change.RECLASSIFIED + 1])]
        return counts.assign(**ratios(counts), mean_iou=matched.mean())


@dataclass(frozen=True, eq=False)
class _Rows:
    """Objects of one set that are compared, image by image.

    Attributes:
        annotations: The set.
        rows: (N,) their rows.
        side: Their images, rising, and classes, both numbered alike in both sets.
    """

    annotations: AnnotationSet
    rows: IntArray
    side: Side

    def part(self, start: int, stop: int) -> "_Rows":
        """Return the objects `start` to `stop`."""
        side = Side(self.side.images[start:stop], self.side.categories[start:stop])
        return _Rows(self.annotations, self.rows[start:stop], side)

    def objects(self) -> pa.Table:
        """Return the objects."""
        return self.annotations.objects.take(self.rows)

    def heights(self) -> IntArray:
        """Return the height of each object's image in pixels, shape (N,)."""
        heights = self.annotations.images["height"].to_numpy().astype(np.int64)
        return np.asarray(heights[self.annotations.image_index[self.rows]])


def compare_corrections(
    proposed: AnnotationSet, corrected: AnnotationSet, *, rules: CorrectionRules = _DEFAULT_RULES
) -> Corrections:
    """Compare what was proposed with what a person made of it.

    Objects are matched one to one by the IoU of their real shapes, whatever their class; points, and objects without
    an area, by the distance of their centroids. A matched object is ``kept``, ``reshaped`` or ``reclassified`` (which
    says nothing about its shape; see its IoU). A proposed object of which two or more corrected ones are pieces was
    ``split``; a corrected one of which two or more proposed ones are pieces was ``merged``. What is left was
    ``removed`` or ``added``. Right are the proposals kept or reshaped: precision is their share of all proposals,
    recall their share of all corrected objects. Ignored regions are left out.

    Args:
        proposed: What was proposed, with or without scores.
        corrected: What the person left; images are found by name, classes by name.
        rules: When two objects are the same.

    Raises:
        ValueError: The sets have no image in common, or one has another size in one of them.
    """
    shared = _shared_images(proposed, corrected)
    classes = {name: i for i, name in enumerate(dict.fromkeys([*proposed.categories, *corrected.categories]))}
    sides = _rows_of(proposed, shared, classes), _rows_of(corrected, shared, classes)
    parts = [_compare_part(one, other, rules) for one, other in _chunks(*sides, len(shared))]
    changes = pd.concat([_NO_CHANGES, *parts], ignore_index=True).sort_values(["number", "proposed", "corrected"])
    known = set(shared)
    left_out = tuple(dict.fromkeys(name for name in [*proposed.names, *corrected.names] if name not in known))
    counts = [np.bincount(side.side.images, minlength=len(shared)) for side in sides]
    return Corrections(
        object_table(changes, shared, proposed, corrected), image_table(changes, shared, *counts), left_out
    )


def _shared_images(proposed: AnnotationSet, corrected: AnnotationSet) -> list[str]:
    sizes = [
        {r["name"]: (r["width"], r["height"]) for r in s.images.select(["name", "width", "height"]).to_pylist()}
        for s in (proposed, corrected)
    ]
    shared = [name for name in sizes[0] if name in sizes[1]]
    if not shared and (proposed.n_images or corrected.n_images):
        raise ValueError("`proposed` and `corrected` must have images in common; no name is in both.")
    for name in shared:
        if sizes[0][name] != sizes[1][name]:
            raise ValueError(
                f"{name} must have one size, got {sizes[0][name]} as proposed, {sizes[1][name]} corrected."
            )
    return shared


def _rows_of(annotations: AnnotationSet, shared: list[str], classes: dict[str, int]) -> _Rows:
    number = {name: i for i, name in enumerate(shared)}
    position = np.array([number.get(name, -1) for name in annotations.names], dtype=np.int64)
    images = position[annotations.image_index]
    kept = np.flatnonzero((images >= 0) & ~annotations.crowd)
    rows = kept[np.argsort(images[kept], kind="stable")]
    code = np.array([classes[name] for name in annotations.categories], dtype=np.int64)
    return _Rows(annotations, rows, Side(images[rows], code[annotations.category[rows]]))


def _chunks(one: _Rows, other: _Rows, n_images: int) -> Iterator[tuple[_Rows, _Rows]]:
    """Yield the objects of some images at a time."""
    edges = [np.searchsorted(rows.side.images, np.arange(n_images + 1)) for rows in (one, other)]
    both = edges[0] + edges[1]
    start = 0
    while start < n_images:
        stop = max(int(np.searchsorted(both, both[start] + _OBJECTS_AT_ONCE, side="right")) - 1, start + 1)
        yield one.part(*edges[0][[start, stop]]), other.part(*edges[1][[start, stop]])
        start = stop


def _compare_part(one: _Rows, other: _Rows, rules: CorrectionRules) -> pd.DataFrame:
    """Return the changes of some images: number of the image, change, rows on both sides (-1 for none), closeness."""
    first = len(one.rows)
    objects = pa.concat_tables([one.objects(), other.objects()])
    shapes = Shapes.from_objects(objects, np.concatenate([one.heights(), other.heights()]))
    pairs = find_pairs(shapes, one.side, other.side, rules.matched_px)
    matched = pairs.take(match_one_to_one(pairs, one.side, other.side, rules))
    same_class = one.side.categories[matched.proposed] == other.side.categories[matched.corrected]
    same_place = (matched.iou >= rules.same_iou) | (matched.distance <= rules.same_px)
    change = np.where(same_class, np.where(same_place, Change.KEPT, Change.RESHAPED), Change.RECLASSIFIED)
    split, merged = _find_cuts(shapes, first, pairs, matched.take(same_place), matched, rules)
    gone = np.union1d(split.proposed, merged.proposed), np.union1d(split.corrected, merged.corrected)
    left = ~(np.isin(matched.proposed, gone[0]) | np.isin(matched.corrected, gone[1]))
    frames = [_frame(split, Change.SPLIT), _frame(merged, Change.MERGED), _frame(matched.take(left), change[left])]
    told = pd.concat(frames)
    removed = np.setdiff1d(np.arange(first), told["proposed"].to_numpy())
    added = np.setdiff1d(np.arange(len(other.rows)), told["corrected"].to_numpy())
    frames += [_frame(_alone(removed, True), Change.REMOVED), _frame(_alone(added, False), Change.ADDED)]
    return _in_sets(pd.concat(frames, ignore_index=True), one, other)


def _find_cuts(
    shapes: Shapes, first: int, pairs: Pairs, same: Pairs, matched: Pairs, rules: CorrectionRules
) -> tuple[Pairs, Pairs]:
    """Return the pairs of cut objects with their pieces, and of pieces with what they were merged into."""
    partner = np.full(len(shapes), -1, dtype=np.int64)
    partner[matched.proposed], partner[matched.corrected + first] = matched.corrected + first, matched.proposed
    settled = np.zeros(len(shapes), dtype=bool)
    settled[same.proposed] = settled[same.corrected + first] = True
    one, other = pairs.proposed, pairs.corrected + first
    cut = find_pieces(shapes, Wholes(one, other, pairs.shared), partner, settled, rules.part_share)
    settled[one[cut]] = settled[other[cut]] = True
    put = find_pieces(shapes, Wholes(other, one, pairs.shared), partner, settled, rules.part_share)
    return pairs.take(cut), pairs.take(put)


def _alone(rows: IntArray, is_proposed: bool) -> Pairs:
    nothing, unknown = np.full(len(rows), -1, dtype=np.int64), np.full(len(rows), np.nan)
    return Pairs(rows if is_proposed else nothing, nothing if is_proposed else rows, unknown, unknown, unknown)


def _frame(pairs: Pairs, change: IntArray | int) -> pd.DataFrame:
    columns = {
        "proposed": pairs.proposed,
        "corrected": pairs.corrected,
        "iou": pairs.iou,
        "distance_px": pairs.distance,
    }
    return pd.DataFrame({"change": np.broadcast_to(np.asarray(change), len(pairs.proposed)), **columns})


def _in_sets(changes: pd.DataFrame, one: _Rows, other: _Rows) -> pd.DataFrame:
    """Give the changes the rows of the whole sets and the number of the image."""
    first, second = (changes[name].to_numpy() for name in ("proposed", "corrected"))
    number = np.full(len(changes), -1, dtype=np.int64)
    rows = []
    for places, side in ((first, one), (second, other)):
        there = places >= 0
        number[there] = side.side.images[places[there]]
        whole = np.full(len(places), -1, dtype=np.int64)
        whole[there] = side.rows[places[there]]
        rows.append(whole)
    return changes.assign(number=number, proposed=rows[0], corrected=rows[1])
