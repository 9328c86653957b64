"""Files and folders that are removed also where the process ends before the block that makes them does."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_unfinished: set[Path] = set()


@contextmanager
def noted(path: Path) -> Iterator[None]:
    """Note a file or folder as unfinished during a block; the block itself removes it."""
    _unfinished.add(path)
    try:
        yield
    finally:
        _unfinished.discard(path)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a new folder in the system's temporary one, which is removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="cell_pipelines_", ignore_cleanup_errors=True) as folder,
        noted(Path(folder)),
    ):
        yield Path(folder)


def remove_unfinished() -> None:
    """Remove all that is unfinished, where the process ends at once and no block comes to its end."""
    for path in tuple(_unfinished):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
