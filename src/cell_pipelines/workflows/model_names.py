"""Open the model that a person names: a starter, a file, or a model of a study in this project."""

import difflib
import os
import re
from pathlib import Path

from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.image_sources import describe_missing
from cell_pipelines.workflows.starters import starter_path, starters
from cell_pipelines.workflows.trained_model import TrainedModel

#: A trained model, or what names one: a starter, the path of a model file, or ``study/model``.
Model = str | Path | TrainedModel
#: What counts where no model is named.
DEFAULT_MODEL = "nuclei"
_SUFFIXES = (".pt", ".pth", ".ckpt")


def open_model(model: Model) -> TrainedModel:
    """Return a trained model; its network is not loaded yet.

    Args:
        model: A model that is open; the name of a starter, such as ``nuclei``; the path of a model file;
            ``study/model``, such as ``bccd/yolo``, in the folder of a project; or another tool's, ``tool:model``.

    Raises:
        MistakeError: There is no such model; the sentence says which there are.
        ValueError: The file is no model.
    """
    from cell_pipelines.models.foreign.names import is_foreign

    if isinstance(model, TrainedModel):
        return model
    if is_foreign(model):
        return TrainedModel.open(model)
    path = Path(model).expanduser()
    if path.is_file():
        return TrainedModel.open(path)
    if path.is_dir():
        raise MistakeError(f"{path}: expected a model file; it is a folder.{_describe_models(path)}")
    if str(model) in starters():
        return TrainedModel.open(starter_path(str(model)))
    trained = _study_models()
    if str(model) in trained:
        return TrainedModel.open(trained[str(model)])
    raise MistakeError(_describe_unknown(str(model), path, [*starters(), *trained]))


def known_models() -> tuple[str, ...]:
    """Return the names of the models that are there: starters, and those of the project in this folder."""
    return (*starters(), *_study_models())


def _study_models() -> dict[str, Path]:
    """Return the trained models of the project in this folder, by study and name."""
    root = Path(os.environ.get("CELL_DATA_ROOT", "data"))
    return {f"{path.parents[1].name}/{path.stem}": path for path in sorted(root.glob("*/06_models/*.pt"))}


def _describe_models(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if path.suffix in _SUFFIXES)
    return f" Model files in it: {', '.join(names)}." if names else ""


def _describe_unknown(name: str, path: Path, known: list[str]) -> str:
    there = f"Models: {', '.join(known)}; or give the path of a model file." if known else (
        "No model comes with this installation and none is trained in this folder; give the path of a model file."
    )  # fmt: skip
    if path.suffix in _SUFFIXES or (re.search(r"[\\/]", name) and path.parent.is_dir()):
        return f"{path}: expected a model file; {describe_missing(path)} {there}"
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return f"there is no model `{name}`.{hint} {there}"
