"""Corrections of counted images: a log of edits on disk, who made them and when, and the cells that they give."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
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
from cell_pipelines.app.edit_states import LOG, REDO, STATES, UNDO, EditState, go
from cell_pipelines.app.shapes import from_plain, rings_of, to_plain, to_shape
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_path

_FOLDER = "corrections"
_LOCK_SECONDS = 30
_FINISH, _REOPEN = "finish", "reopen"


class ImageCorrections:
    """The corrections of one image of a count."""

    def __init__(self, count: Count, name: str) -> None:
        """Open them; nothing is written before the first edit."""
        self._count, self.name = count, name
        self._folder = count.folder / _FOLDER / hashlib.sha256(name.encode()).hexdigest()[:16]

    @property
    def exist(self) -> bool:
        """Whether anything was corrected, or said about it."""
        return (self._folder / LOG).is_file()

    def describe(self) -> dict[str, Any]:
        """Return all cells with their numbers, and what can be done."""
        state = self._read()
        return {**self._facts(state), "removed": [], "cells": to_plain(state.cells)}

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
            STATES.forget(self._folder)  # until the edit is on the disk
            with (self._folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(event) + "\n")
                log.flush()
                os.fsync(log.fileno())
            STATES.keep(self._folder, state)
            return self._answer(state, before)

    def _answer(self, state: EditState, before: Mapping[int, EditedCell]) -> dict[str, Any]:
        """Return what differs from the cells before, and what can be done next."""
        changed = {number for number in {*before, *state.cells} if before.get(number) is not state.cells.get(number)}
        new = {number: state.cells[number] for number in sorted(changed & set(state.cells))}
        return {**self._facts(state), "removed": sorted(changed & set(before)), "cells": to_plain(new)}

    def annotations(self) -> AnnotationSet:
        """Return the corrected cells."""
        return self._as_set(self._read().cells)

    def proposed(self) -> AnnotationSet:
        """Return the cells as they were before the first edit."""
        return self._as_set(self._base())

    @property
    def is_finished(self) -> bool:
        """Whether a person said that nothing is left to correct."""
        return self.exist and self._read().finished

    def events(self) -> list[dict[str, Any]]:
        """Return the log: one entry per edit, with who made it and when."""
        if not self.exist:
            return []
        lines = (self._folder / LOG).read_text(encoding="utf-8").splitlines(keepends=True)
        # A line without its end was being written when the server ended.
        return [json.loads(line) for line in lines if line.endswith("\n")]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / ".lock", timeout=_LOCK_SECONDS):
            yield

    def _begin(self) -> None:
        """Keep the cells that the edits begin with, and drop half a line of an edit that was not made."""
        base, log = self._folder / "base.json", self._folder / LOG
        if not base.exists():
            cells = to_plain(self._counted())
            with atomic_path(base) as temporary:
                temporary.write_text(json.dumps(cells), encoding="utf-8")
        if log.is_file() and not (content := log.read_bytes()).endswith(b"\n") and content:
            with atomic_path(log) as temporary:
                temporary.write_bytes(content[: content.rfind(b"\n") + 1])

    def _counted(self) -> dict[int, EditedCell]:
        cells = self._count.cells(self._count.settings, self.name)
        found = zip(outlines(cells), cells.category.tolist(), strict=True)
        return {number: EditedCell(category, to_shape(rings)) for number, (rings, category) in enumerate(found)}

    def _base(self) -> dict[int, EditedCell]:
        path = self._folder / "base.json"
        if not path.exists():
            return self._counted()
        return from_plain(json.loads(path.read_text(encoding="utf-8")))

    def _read(self) -> EditState:
        """Return how it is now; edits that others make meanwhile don't change what is returned."""
        if not self.exist:
            return self._replay()
        with self._locked():
            state = self._replay()
            STATES.keep(self._folder, state)
            return replace(state, cells=dict(state.cells))

    def _replay(self) -> EditState:
        if (known := STATES.get(self._folder)) is not None:
            return known
        cells = self._base()
        state = EditState(cells, next_id=max(cells, default=-1) + 1)
        for event in self.events():
            self._apply(state, event["edit"])
        return state

    def _apply(self, state: EditState, edit: Mapping[str, Any]) -> None:
        kind = edit.get("kind")
        if kind in (_FINISH, _REOPEN):
            state.finished = kind == _FINISH
        elif kind in (UNDO, REDO):
            go(state, *((state.done, state.undone) if kind == UNDO else (state.undone, state.done)), str(kind))
        else:
            self._make(state, edit)
        state.events += 1

    def _make(self, state: EditState, edit: Mapping[str, Any]) -> None:
        try:
            parsed = EDIT.validate_python(dict(edit))
        except ValidationError as error:
            first = error.errors()[0]
            raise MistakeError(f"{'.'.join(map(str, first['loc'])) or 'the edit'}: {first['msg'].lower()}.") from error
        try:
            gone, came = apply_edit(state.cells, parsed, self._canvas, state.next_id)
        except shapely.errors.ShapelyError as error:
            raise MistakeError("what was drawn is no outline of a cell; draw around it once.") from error
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

    def _facts(self, state: EditState) -> dict[str, Any]:
        return {
            "width": self._canvas.width, "height": self._canvas.height, "categories": list(self._canvas.categories),
            "total": len(state.cells), "finished": state.finished, "edits": len(state.done),
            "can_undo": bool(state.done), "can_redo": bool(state.undone),
        }  # fmt: skip

    def _as_set(self, cells: Mapping[int, EditedCell]) -> AnnotationSet:
        builder = AnnotationBuilder(self._canvas.categories)
        image = builder.add_image(self.name, width=self._canvas.width, height=self._canvas.height)
        for cell in cells.values():
            builder.add_polygon(image, self._canvas.categories[cell.category], rings_of(cell.shape))
        return builder.build()


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
