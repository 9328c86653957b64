"""A trained model as one file."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from cell_pipelines.files import atomic_path


class CheckpointDataset(AbstractDataset[bytes, Path]):
    """A checkpoint file: saved from its bytes, loaded as its path, since every library reads its own kind.

    ::

        yolo.checkpoint:
          type: cell_pipelines.datasets.checkpoint_dataset.CheckpointDataset
          filepath: data/demo/06_models/yolo.pt
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath).expanduser()
        self.metadata = metadata

    def load(self) -> Path:
        """Return the file's path."""
        if not self._filepath.is_file():
            raise FileNotFoundError(
                f"{self._filepath}: expected a trained model; run its training pipeline first, or name the models that "
                "are trained: --params=models=unetpp+yolo."
            )
        return self._filepath.absolute()

    def save(self, data: bytes) -> None:
        """Write the file, whole or not at all."""
        with atomic_path(self._filepath, durable=True) as temporary:
            temporary.write_bytes(data)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
