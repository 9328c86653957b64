"""Corrections of counted images: a log of edits on disk, who made them and when, and the cells that they give."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import shapely
from filelock import FileLock
from pydantic import ValidationError

from cell_pipelines.analysis.annotating.corrections import Corrections, compare_corrections
from cell_pipelines.analysis.annotating.editing import EDIT, Canvas, EditedCell, apply_edit
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import concatenate
from cell_pipelines.app.cells import outlines
from cell_pipelines.app.counting import Count
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_path

_FOLDER = "corrections"
_LOCK_SECONDS = 30
_UNDO, _REDO, _FINISH, _REOPEN = "undo", "redo", "finish", "reopen"


@dataclass
class _State:
    """An image's cells after all edits.

    Attributes:
        cells: By number.
        done: Edits that count, each with the cells before and after it, for undo.
        undone: Edits that were taken back, the last one last.
        finished: Whether a person said that nothing is left to correct.
        next_id: The first number that no cell has ever had.
        events: Number of lines of the log that are in it.
    """

    cells: dict[int, EditedCell]
    done: list[tuple[dict[int, EditedCell], dict[int, EditedCell]]] = field(default_factory=list)
    undone: list[tuple[dict[int, EditedCell], dict[int, EditedCell]]] = field(default_factory=list)
    finished: bool = False
    next_id: int = 0
    events: int = 0


class ImageCorrections:
    """The corrections of one image of a count."""

    def __init__(self, count: Count, name: str) -> None:
        """Open them; nothing is written before the first edit."""
        self._count, self.name = count, name
        self._folder = count.folder / _FOLDER / hashlib.sha256(name.encode()).hexdigest()[:16]

    @property
    def exist(self) -> bool:
        """Whether anything was corrected, or said about it."""
        return (self._folder / "events.jsonl").is_file()

    def describe(self) -> dict[str, Any]:
        """Return all cells with their numbers, and what can be done."""
        state = self._replay()
        return {**self._facts(state), "removed": [], "cells": _plain(state.cells)}

    def edit(self, edit: Mapping[str, Any], user: str) -> dict[str, Any]:
        """Make an edit, take one back (``undo``), make it again (``redo``), or say that all is right (``finish``).

        Args:
            edit: One of `analysis.annotating.editing.Edit`, or ``kind`` alone.
            user: Who makes it.

        Returns:
            What changed: `removed` numbers and new `cells`, and what can be done next.

        Raises:
            MistakeError: It can't be made.
        """
        with self._locked():
            self._begin()
            state = self._replay()
            before = dict(state.cells)
            self._apply(state, edit)
            event = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "by": user, "edit": dict(edit)}
            with (self._folder / "events.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(event) + "\n")
        changed = {number for number in {*before, *state.cells} if before.get(number) is not state.cells.get(number)}
        new = {number: state.cells[number] for number in sorted(changed & set(state.cells))}
        return {**self._facts(state), "removed": sorted(changed & set(before)), "cells": _plain(new)}

    def annotations(self) -> AnnotationSet:
        """Return the corrected cells."""
        return self._as_set(self._replay().cells)

    def proposed(self) -> AnnotationSet:
        """Return the cells as they were before the first edit."""
        return self._as_set(self._base())

    @property
    def is_finished(self) -> bool:
        """Whether a person said that nothing is left to correct."""
        return self.exist and self._replay().finished

    def events(self) -> list[dict[str, Any]]:
        """Return the log: one entry per edit, with who made it and when."""
        if not self.exist:
            return []
        lines = (self._folder / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        # A line without its end was being written when the server ended.
        return [json.loads(line) for line in lines if line.endswith("\n")]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / ".lock", timeout=_LOCK_SECONDS):
            yield

    def _begin(self) -> None:
        """Keep the cells that the edits begin with, and drop half a line of an edit that was not made."""
        base, log = self._folder / "base.json", self._folder / "events.jsonl"
        if not base.exists():
            cells = _plain(self._counted())
            with atomic_path(base) as temporary:
                temporary.write_text(json.dumps(cells), encoding="utf-8")
        if log.is_file() and not (content := log.read_bytes()).endswith(b"\n") and content:
            with atomic_path(log) as temporary:
                temporary.write_bytes(content[: content.rfind(b"\n") + 1])

    def _counted(self) -> dict[int, EditedCell]:
        cells = self._count.cells(self._count.settings, self.name)
        found = zip(outlines(cells), cells.category.tolist(), strict=True)
        return {number: EditedCell(category, _shape(rings)) for number, (rings, category) in enumerate(found)}

    def _base(self) -> dict[int, EditedCell]:
        path = self._folder / "base.json"
        if not path.exists():
            return self._counted()
        cells = json.loads(path.read_text(encoding="utf-8"))
        return {cell["id"]: EditedCell(cell["class"], _shape(cell["rings"])) for cell in cells}

    def _replay(self) -> _State:
        cells = self._base()
        state = _State(cells, next_id=max(cells, default=-1) + 1)
        for event in self.events():
            self._apply(state, event["edit"])
        return state

    def _apply(self, state: _State, edit: Mapping[str, Any]) -> None:
        kind = edit.get("kind")
        if kind in (_FINISH, _REOPEN):
            state.finished = kind == _FINISH
        elif kind in (_UNDO, _REDO):
            _go(state, *((state.done, state.undone) if kind == _UNDO else (state.undone, state.done)), str(kind))
        else:
            self._make(state, edit)
        state.events += 1

    def _make(self, state: _State, edit: Mapping[str, Any]) -> None:
        try:
            parsed = EDIT.validate_python(dict(edit))
        except ValidationError as error:
            first = error.errors()[0]
            raise MistakeError(f"{'.'.join(map(str, first['loc'])) or 'the edit'}: {first['msg'].lower()}.") from error
        gone, came = apply_edit(state.cells, parsed, self._canvas, state.next_id)
        state.done.append(({number: state.cells[number] for number in gone}, came))
        state.undone.clear()
        for number in gone:
            del state.cells[number]
        state.cells.update(came)
        state.next_id = max(state.next_id, max(came, default=-1) + 1)

    @property
    def _canvas(self) -> Canvas:
        row = self._count.scores[self._count.scores["image"] == self.name].to_dict("records")[0]
        return Canvas(int(row["width"]), int(row["height"]), self._count.model.categories)

    def _facts(self, state: _State) -> dict[str, Any]:
        return {
            "width": self._canvas.width, "height": self._canvas.height, "categories": list(self._canvas.categories),
            "total": len(state.cells), "finished": state.finished, "edits": len(state.done),
            "can_undo": bool(state.done), "can_redo": bool(state.undone),
        }  # fmt: skip

    def _as_set(self, cells: Mapping[int, EditedCell]) -> AnnotationSet:
        builder = AnnotationBuilder(self._canvas.categories)
        image = builder.add_image(self.name, width=self._canvas.width, height=self._canvas.height)
        for cell in cells.values():
            builder.add_polygon(image, self._canvas.categories[cell.category], _rings(cell.shape))
        return builder.build()


def _go(state: _State, source: list[Any], target: list[Any], kind: str) -> None:
    """Take the last edit back, or make it again."""
    if not source:
        raise MistakeError(f"there is nothing to {kind}.")
    step = source.pop()
    target.append(step)
    gone, came = reversed(step) if kind == _UNDO else step
    for number in gone:
        state.cells.pop(number, None)
    state.cells.update(came)


def _shape(rings: list[dict[str, list[float]]]) -> shapely.Polygon:
    """Return a polygon of a cell's rings, the largest of its pieces with its holes."""
    polygons = [shapely.Polygon(zip(ring["x"], ring["y"], strict=True)) for ring in rings if len(ring["x"]) >= 3]
    whole = shapely.Polygon()
    for polygon in polygons:  # an even number of rings around a point means a hole
        whole = whole.symmetric_difference(shapely.make_valid(polygon))
    parts = [part for part in shapely.get_parts(whole).tolist() if isinstance(part, shapely.Polygon)]
    return max(parts, key=lambda part: part.area, default=shapely.Polygon())


def _rings(shape: shapely.Polygon) -> list[Any]:
    return [shapely.get_coordinates(ring)[:-1] for ring in (shape.exterior, *shape.interiors)]


def _plain(cells: Mapping[int, EditedCell]) -> list[dict[str, Any]]:
    return [
        {"id": number, "class": cell.category, "area": round(cell.shape.area, 1),
         "rings": [{"x": ring[:, 0].tolist(), "y": ring[:, 1].tolist()} for ring in _rings(cell.shape)]}
        for number, cell in cells.items()
    ]  # fmt: skip


def corrected_images(count: Count, *, finished_only: bool = False) -> list[ImageCorrections]:
    """Return the corrections of the images that have any, or of those that were finished."""
    every = [ImageCorrections(count, name) for name in count.names]
    return [one for one in every if (one.is_finished if finished_only else one.exist)]


def compare_all(count: Count) -> Corrections | None:
    """Compare what was proposed with what was corrected; None where nothing was."""
    images = corrected_images(count)
    if not images:
        return None
    return compare_corrections(
        concatenate([one.proposed() for one in images]), concatenate([one.annotations() for one in images])
    )


def corrections_table(count: Count) -> pd.DataFrame:
    """Return one row per corrected image: how many cells were kept, added, removed …, who did it and when."""
    changes = compare_all(count)
    if changes is None:
        return pd.DataFrame()
    who = []
    for one in corrected_images(count):
        events = one.events()
        people = ", ".join(dict.fromkeys(event["by"] for event in events))
        last = events[-1]["at"] if events else ""
        who.append({"image": one.name, "finished": one.is_finished, "by": people, "last": last})
    return changes.images.merge(pd.DataFrame(who), on="image", how="left")
