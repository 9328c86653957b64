"""Keep two runs from writing the same results at the same time.

What a run writes about a model, a source of cells or an experiment is its own for as long as it runs: another one that
would write it, too, is refused. What belongs to the whole study, such as its converted annotations, is written by many
pipelines; there the second run waits until the first has passed that part.
"""

import logging
import re
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock

from cell_pipelines.locks import LockedError, release_lock, take_lock

logger = logging.getLogger(__name__)

FOLDER = ".locks"
_STUDY = "study"


def lock_file(folder: Path, name: str) -> Path:
    """Return the lock of what `folder`, of a study or of a trial, holds about `name`."""
    return folder / FOLDER / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.lock"


class OutputLocks:
    """The locks of one run, from `take` to `release`."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that the results lie in."""
        self._folder = folder
        self._own: list[FileLock] = []
        self._shared: FileLock | None = None
        self._writing: set[str] = set()

    def take(self, outputs: Iterable[str]) -> None:
        """Take what the run will write: of data sets called ``name.…`` the lock of ``name``.

        Raises:
            LockedError: Another run works on one of them; names its process.
        """
        try:
            for name in sorted({output.partition(".")[0] for output in outputs if "." in output}):
                reason = f"{self._folder}: another run is working on {name}; wait for it to end, or end it"
                self._own.append(take_lock(lock_file(self._folder, name), reason=reason))
        except LockedError:
            self.release()
            raise

    def enter(self, outputs: Iterable[str]) -> None:
        """Begin a node that will write `outputs`; for those of the whole study wait for other runs."""
        shared = {output for output in outputs if "." not in output}
        if shared and self._shared is None:
            self._shared = self._wait()
        elif not shared and not self._writing:
            self._leave()
        self._writing |= shared

    def saved(self, output: str) -> None:
        """Take note that one of them is written."""
        self._writing.discard(output)

    def release(self) -> None:
        """Give all locks back."""
        self._leave()
        while self._own:
            release_lock(self._own.pop())

    def _wait(self) -> FileLock:
        path = lock_file(self._folder, _STUDY)
        try:
            return take_lock(path, reason=f"{self._folder}: another run is preparing the study's data")
        except LockedError as error:
            logger.info("%s Waiting for it.", error)
            return take_lock(path, reason="", seconds=-1)

    def _leave(self) -> None:
        self._writing.clear()
        if self._shared is not None:
            release_lock(self._shared)
            self._shared = None
