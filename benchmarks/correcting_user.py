"""A simulated person who corrects what a model proposes to the truth, by the functions of the page.

The person works outwards from one place of an image: of all that differs from the truth, the nearest comes first. What
lies within the circle that was reached is right, whether it was corrected or left; nothing is known of the rest. A
proposal that overlaps its cell well enough is left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely

from cell_pipelines.analysis.annotating.corrections import compare_corrections
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.app.cells import outlines
from cell_pipelines.app.corrections import ImageCorrections
from cell_pipelines.failures import MistakeError

#: Assumed seconds of a person's work for each change, and for looking through a whole image. Not measured on anybody.
SECONDS = {"added": 8.0, "removed": 1.5, "split": 4.0, "merged": 3.0, "reshaped": 8.0, "image": 20.0}
KINDS = ("added", "removed", "split", "merged", "reshaped")
_USER = "simulated"


@dataclass(frozen=True)
class Difference:
    """What a person has to change at one place.

    Attributes:
        kind: One of `KINDS`.
        proposed: Numbers of the proposed cells.
        true: Rows of the true cells.
        place: Where it is, x and y in pixels.
    """

    kind: str
    proposed: tuple[int, ...]
    true: tuple[int, ...]
    place: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Work:
    """What a person did to one image.

    Attributes:
        annotations: The cells, as a training takes them: what was not looked at is an ignored region.
        corrected: How many places were corrected.
        changes: How many of each kind, as `compare_corrections` counts them.
        edits: How many edits the log has.
        finished: Whether the whole image was corrected.
    """

    annotations: AnnotationSet
    corrected: int
    changes: Mapping[str, int]
    edits: int
    finished: bool

    @property
    def share(self) -> float:
        """Share of the image that was looked at, by area."""
        if self.finished:
            return 1.0
        crowd = self.annotations.crowd
        image = self.annotations.images.to_pylist()[0]
        ignored = sum(_shapes(self.annotations)[row].area for row in np.flatnonzero(crowd))
        return 1.0 - ignored / (image["width"] * image["height"])


@dataclass(frozen=True, eq=False)
class CorrectingUser:
    """A person before one image.

    Attributes:
        corrections: The image's corrections on the page.
        truth: Its true cells.
        redraw_below: Proposals of a smaller IoU with their cell are drawn anew.
    """

    corrections: ImageCorrections
    truth: AnnotationSet
    redraw_below: float = 0.7

    @cached_property
    def _true(self) -> list[shapely.Polygon]:
        return _shapes(self.truth)

    def work(self, most: int | None = None) -> Work:
        """Correct the image, or so many places of it, and return what was done."""
        differences, proposed = self._differences(), self.corrections.proposed()
        chosen = differences if most is None else differences[:most]
        for one in chosen:
            self._correct(one)
        finished = len(chosen) == len(differences)
        if finished:
            self.corrections.edit({"kind": "finish"}, _USER)
        cells = self.corrections.annotations()
        total = compare_corrections(proposed, cells).total().iloc[0]
        changes = {kind: int(total[kind]) for kind in KINDS}
        edits = sum(event["edit"]["kind"] != "finish" for event in self.corrections.events())
        seen = cells if finished else self._within(cells, _centre(proposed), chosen)
        return Work(seen, len(chosen), changes, edits, finished)

    def _differences(self) -> list[Difference]:
        """Return what differs, the nearest to the middle of the image first."""
        proposed = self.corrections.proposed()
        changes = compare_corrections(proposed, self.truth).objects
        shapes, found = _shapes(proposed), list[Difference]()
        for kind, side in (("removed", "proposed"), ("added", "corrected"), ("reshaped", "proposed"),
                           ("split", "proposed"), ("merged", "corrected")):  # fmt: skip
            own = changes[changes["change"] == kind]
            own = own[own["iou"] < self.redraw_below] if kind == "reshaped" else own
            for _, rows in own.groupby(side, sort=True):
                old, new = (_known(rows[name]) for name in ("proposed", "corrected"))
                at = shapely.union_all([*(shapes[row] for row in old), *(self._true[row] for row in new)]).centroid
                found.append(Difference(kind, old, new, (at.x, at.y)))
        middle = _centre(proposed)
        return sorted(found, key=lambda one: np.hypot(one.place[0] - middle[0], one.place[1] - middle[1]))

    def _correct(self, one: Difference) -> None:
        old, new = list(one.proposed), [_points(self._true[row]) for row in one.true]
        match one.kind:
            case "removed":
                self._edit(kind="delete", ids=old)
            case "added":
                self._edit(kind="add", points=new[0])
            case "reshaped":
                self._edit(kind="redraw", id=old[0], points=new[0])
            case "split":
                self._split(old[0], one.true)
            case "merged":
                self._merge(old, one.true[0])

    def _split(self, old: int, true: Sequence[int]) -> None:
        """Cut a cell in two between the centroids of the true ones; where that can't be done, draw them."""
        try:
            if len(true) != 2:
                raise MistakeError("one line makes two cells.")
            pieces = self._edit(kind="split", id=old, points=_bisector(*(self._true[row] for row in true)))["cells"]
        except MistakeError:
            self._edit(kind="delete", ids=[old])
            for row in true:
                self._edit(kind="add", points=_points(self._true[row]))
            return
        for piece in pieces:
            shape = _polygon(piece["rings"][0])
            row = max(true, key=lambda row: _iou(shape, self._true[row]))
            if _iou(shape, self._true[row]) < self.redraw_below:
                self._edit(kind="redraw", id=piece["id"], points=_points(self._true[row]))

    def _merge(self, old: list[int], row: int) -> None:
        """Make one cell of several; where they don't touch, draw it."""
        try:
            (whole,) = self._edit(kind="merge", ids=old)["cells"]
        except MistakeError:
            self._edit(kind="delete", ids=old)
            self._edit(kind="add", points=_points(self._true[row]))
            return
        if _iou(_polygon(whole["rings"][0]), self._true[row]) < self.redraw_below:
            self._edit(kind="redraw", id=whole["id"], points=_points(self._true[row]))

    def _edit(self, **edit: Any) -> dict[str, Any]:
        return self.corrections.edit(edit, _USER)

    def _within(self, cells: AnnotationSet, middle: tuple[float, float], done: Sequence[Difference]) -> AnnotationSet:
        """Return the cells within the circle that was reached; all else is an ignored region."""
        reach = max((np.hypot(one.place[0] - middle[0], one.place[1] - middle[1]) for one in done), default=0.0)
        circle, shapes = shapely.Point(middle).buffer(reach + 1e-6), _shapes(cells)
        inside = [shape for shape in shapes if circle.covers(shape.centroid)]
        outside = [shape for shape in (*shapes, *self._true) if not circle.covers(shape.centroid)]
        image = cells.images.to_pylist()[0]
        rest = shapely.box(0, 0, image["width"], image["height"]).difference(circle)
        ignored = shapely.union_all([rest, *outside])
        builder = AnnotationBuilder(cells.categories)
        row = builder.add_image(image["name"], width=image["width"], height=image["height"])
        for shape, crowd in [*((one, False) for one in inside), *((one, True) for one in _parts(ignored))]:
            rings = [shapely.get_coordinates(ring)[:-1] for ring in (shape.exterior, *shape.interiors)]
            builder.add_polygon(row, cells.categories[0], rings, crowd=crowd)
        return builder.build()


def tabulate_work(works: Sequence[Work]) -> dict[str, float]:
    """Return what a person did to several images: numbers of changes of each kind, and of images (of parts: shares)."""
    changes = pd.DataFrame([work.changes for work in works], columns=KINDS).sum()
    return {
        "corrected": sum(work.corrected for work in works),
        "images_opened": len(works),
        **{kind: int(changes[kind]) for kind in KINDS},
        "edits": sum(work.edits for work in works),
        "images_seen": round(sum(work.share for work in works), 3),
        "cells_taught": sum(int((~work.annotations.crowd).sum()) for work in works),
    }


def _centre(cells: AnnotationSet) -> tuple[float, float]:
    image = cells.images.to_pylist()[0]
    return image["width"] / 2, image["height"] / 2


def _shapes(cells: AnnotationSet) -> list[shapely.Polygon]:
    """Return the largest outline of each object, without holes but for ignored regions."""
    found = []
    for rings, crowd in zip(outlines(cells), cells.crowd, strict=True):
        polygons = sorted((_polygon(ring) for ring in rings), key=lambda one: -one.area)
        found.append(shapely.Polygon(polygons[0].exterior, [one.exterior for one in polygons[1:]]) if crowd
                     else polygons[0])  # fmt: skip
    return found


def _polygon(ring: Mapping[str, list[float]]) -> shapely.Polygon:
    whole = shapely.make_valid(shapely.Polygon(list(zip(ring["x"], ring["y"], strict=True))))
    return max(_parts(whole), key=lambda part: part.area, default=shapely.Polygon())


def _parts(shape: shapely.Geometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(shape).tolist() if isinstance(part, shapely.Polygon)]


def _points(shape: shapely.Polygon) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in shapely.get_coordinates(shape.exterior)[:-1]]


def _iou(one: shapely.Polygon, other: shapely.Polygon) -> float:
    return float(one.intersection(other).area / max(one.union(other).area, 1e-9))


def _bisector(one: shapely.Polygon, other: shapely.Polygon) -> list[tuple[float, float]]:
    first, second = (np.array([shape.centroid.x, shape.centroid.y]) for shape in (one, other))
    along = np.array([first[1] - second[1], second[0] - first[0]]) / max(np.hypot(*(second - first)), 1e-9)
    far = along * 10 * np.sqrt(one.area + other.area)
    return [tuple(map(float, (first + second) / 2 + side * far)) for side in (-1, 1)]


def _known(rows: pd.Series) -> tuple[int, ...]:
    return tuple(int(row) for row in rows.dropna().unique())
