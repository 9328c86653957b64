"""A file that there may not be: saved from its bytes, none at all for no bytes, and loaded as its path."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from cell_pipelines import model_runs
from cell_pipelines.files import atomic_path


class OptionalFileDataset(AbstractDataset[bytes, Path | None]):
    """A file of one model, which not every model has, such as an exported network; it goes to the model's MLflow run.

    ::

        "{model}.exported":
          type: cell_pipelines.datasets.optional_file_dataset.OptionalFileDataset
          filepath: data/demo/06_models/{model}.onnx
          model: "{model}"
          artifact_path: models
    """

    def __init__(
        self, *, filepath: str, model: str, artifact_path: str, metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath = Path(filepath).expanduser()
        self._model, self._artifact_path = model, artifact_path
        self.metadata = metadata

    def load(self) -> Path | None:
        """Return the file's path; None where there is none."""
        return self._filepath.absolute() if self._filepath.is_file() else None

    def save(self, data: bytes) -> None:
        """Write the file, whole or not at all; without bytes remove one of an earlier run."""
        if not data:
            self._filepath.unlink(missing_ok=True)
            return
        with atomic_path(self._filepath, durable=True) as temporary:
            temporary.write_bytes(data)
        model_runs.log_files(self._model, [self._filepath], self._artifact_path)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
