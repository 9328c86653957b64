"""An image's cells after all edits, with what can be taken back, and the last of them in memory."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cell_pipelines.analysis.annotating.editing import EditedCell
from cell_pipelines.failures import MistakeError

#: The log of edits in the folder of an image's corrections.
LOG = "events.jsonl"
UNDO, REDO = "undo", "redo"
# Images whose cells stay in memory while they are edited.
_MOST_KNOWN = 8


@dataclass
class EditState:
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


class _States:
    """Results of the last edits, kept until something is added to their log."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[tuple[int, int], EditState]] = {}

    def get(self, folder: Path) -> EditState | None:
        with self._lock:
            stamp, state = self._known.get(folder, (None, None))
        return state if stamp == _stamp(folder) else None

    def keep(self, folder: Path, state: EditState) -> None:
        with self._lock:
            self._known.pop(folder, None)
            self._known[folder] = _stamp(folder), state
            while len(self._known) > _MOST_KNOWN:
                self._known.pop(next(iter(self._known)))

    def forget(self, folder: Path) -> None:
        with self._lock:
            self._known.pop(folder, None)


#: Of this process.
STATES = _States()


def _stamp(folder: Path) -> tuple[int, int]:
    try:
        status = (folder / LOG).stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def go(state: EditState, source: list[Any], target: list[Any], kind: str) -> None:
    """Take the last edit back, or make it again."""
    if not source:
        raise MistakeError(f"there is nothing to {kind}.")
    step = source.pop()
    target.append(step)
    gone, came = reversed(step) if kind == UNDO else step
    for number in gone:
        state.cells.pop(number, None)
    state.cells.update(came)
