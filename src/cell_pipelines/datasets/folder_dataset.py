"""A folder that a node's function fills, whole or not at all; and a folder that training works in."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from cell_pipelines.files import atomic_folder

logger = logging.getLogger(__name__)


class FolderDataset(AbstractDataset[Callable[[Path], None], Path]):
    """A folder: saved by a function that fills a new one, loaded as its path.

    The function gets a temporary folder, which takes the old one's place when it returns; so a run that ends
    early leaves nothing half written, and the folder exists only when it is complete.

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

    def save(self, data: Callable[[Path], None]) -> None:
        """Fill a new folder and put it in place."""
        if self._read_only:
            logger.info("%s holds the study's own images; no sample images are written.", self._path)
            return
        with atomic_folder(self._path.absolute()) as temporary:
            data(temporary)

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path), "read_only": self._read_only}


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
