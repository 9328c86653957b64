"""A folder that a node's function fills, whole or not at all; and a folder that training works in."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from cell_pipelines.files import atomic_folder, temporary_name

logger = logging.getLogger(__name__)


class FolderDataset(AbstractDataset[Path | Callable[[Path], None], Path]):
    """A folder that appears whole or not at all, loaded as its path.

    It is saved from a folder that a node has filled, see `NewFolderDataset`, which then moves to its place; or, where
    a study may not want it at all, from a function that fills a new one. A run that ends early leaves nothing half
    written.

    ::

        yolo_dataset:
          type: cell_pipelines.datasets.folder_dataset.FolderDataset
          path: data/demo/05_model_input/yolo

    With ``read_only: true``, for a study with its own images, saving leaves the folder as it is and says so.
    """

    def __init__(self, *, path: str, read_only: bool = False, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path).expanduser()
        self._read_only = read_only
        self.metadata = metadata

    def load(self) -> Path:
        """Return the folder's path."""
        if not self._path.is_dir():
            what = "it is a file" if self._path.exists() else "there is none"
            raise FileNotFoundError(f"{self._path}: expected a folder; {what}.")
        return self._path.absolute()

    def save(self, data: Path | Callable[[Path], None]) -> None:
        """Put a filled folder in place, or fill a new one there."""
        if self._read_only:
            logger.info("%s holds the study's own images; no sample images are written.", self._path)
            return
        with atomic_folder(self._path.absolute()) as temporary:
            if isinstance(data, Path):
                _move(data, temporary)
            else:
                data(temporary)

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path), "read_only": self._read_only}


class NewFolderDataset(AbstractDataset[Any, Path]):
    """The path of a folder that does not exist yet, another one at each load, for a node to fill.

    ::

        new_folder:
          type: cell_pipelines.datasets.folder_dataset.NewFolderDataset
          path: data/demo
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path).expanduser()
        self.metadata = metadata

    def load(self) -> Path:
        """Return a new path below the folder; what a killed process leaves there is removed by the next run."""
        return self._path.absolute() / temporary_name()

    def save(self, data: Any) -> None:
        """Refuse: a filled folder is saved where it belongs."""
        raise DatasetError(f"{self._path}: a new folder is filled, and saved as another data set.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}


def _move(filled: Path, folder: Path) -> None:
    """Move what a folder holds into another one, also to another disk; nothing is left of the first."""
    try:
        for path in filled.iterdir():
            shutil.move(path, folder / path.name)
    finally:
        shutil.rmtree(filled, ignore_errors=True)


class WorkFolderDataset(AbstractDataset[Callable[[Path], None], Path]):
    """A folder that is made when missing and keeps what was written, so that work can go on after a crash."""

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> Path:
        """Return the folder's path, made if need be."""
        self._path.mkdir(parents=True, exist_ok=True)
        return self._path.absolute()

    def save(self, data: Callable[[Path], None]) -> None:
        """Make the folder when missing and let `data` write into it, beside what is there."""
        data(self.load())

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
