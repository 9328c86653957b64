"""The models that a user may choose: those of the project, and those that the user's jobs trained."""

from pathlib import Path

from cell_pipelines.app.jobs import JobStore
from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.model_names import known_models, open_model
from cell_pipelines.workflows.trained_model import TrainedModel

_FOLDER = "models"


def models_folder(store: JobStore, user: str) -> Path:
    """Return where the models lie that a user's jobs trained."""
    return store.root / "users" / user / _FOLDER


def user_models(store: JobStore, user: str) -> tuple[str, ...]:
    """Return the names of all models that a user may choose; a user's own are called ``mine/NAME``.

    Paths are none of them, so that nobody looks for files on the server.
    """
    own = sorted(path.stem for path in models_folder(store, user).glob("*.pt"))
    return (*known_models(), *(f"mine/{name}" for name in own))


def open_user_model(store: JobStore, user: str, name: str) -> TrainedModel:
    """Return a model by a name of `user_models`.

    Raises:
        MistakeError: The user has no such model.
    """
    names = user_models(store, user)
    if name not in names:
        raise MistakeError(f"there is no model {name!r}; models: {', '.join(names)}.")
    if name in known_models():
        return open_model(name)
    return TrainedModel.open(models_folder(store, user) / f"{name.removeprefix('mine/')}.pt")
