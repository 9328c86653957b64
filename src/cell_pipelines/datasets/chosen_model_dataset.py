"""The model that new images are counted by: one of the study's own, or a file from elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from cell_pipelines.study import MODELS, member_names
from cell_pipelines.workflows.starters import starter_path, starters


class ChosenModelDataset(AbstractDataset[bytes, Path]):
    """A model file, loaded as its path: the one that is named, else the study's best on validation images.

    ::

        chosen_model:
          type: cell_pipelines.datasets.chosen_model_dataset.ChosenModelDataset
          folder: data/demo/06_models
          models: [yolo, resunet]
          model: null # a name of the study or of a starter, a file, or another tool's model, such as stardist:/folder
    """

    def __init__(
        self, *, folder: str, models: str | Sequence[str], model: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self._folder = Path(folder).expanduser()
        self._models = tuple(member_names(models.split("+") if isinstance(models, str) else models))
        self._model = model
        self._told = False
        self.metadata = metadata

    def load(self) -> Path:
        """Return the path of the model file.

        Raises:
            FileNotFoundError: There is no such model, or none at all.
            ValueError: Several could be meant.
        """
        path = self._choose(quiet=self._told)
        self._told = True
        return path

    def save(self, data: bytes) -> None:
        """Refuse: models are saved where they are trained."""
        raise DatasetError("the chosen model is only read; trainings save models of their own.")

    def _exists(self) -> bool:
        try:
            return self._choose(quiet=True).is_file()
        except (FileNotFoundError, ImportError, ValueError):
            return False

    def _choose(self, *, quiet: bool) -> Path:
        from cell_pipelines.inference.model_choice import choose_model

        wanted = None if self._model is None else str(self._model)
        if wanted is not None and wanted not in (*self._models, *MODELS):
            wanted = str(starter_path(wanted)) if wanted in starters() and not Path(wanted).is_file() else wanted
        return choose_model(self._folder, self._models, MODELS, wanted, quiet=quiet)

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._folder), "models": "+".join(self._models), "model": self._model}
