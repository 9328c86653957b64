"""The models that a user may choose: those of the project, and those that the user's jobs trained."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from cell_pipelines.app.jobs import Job, JobStore
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_path
from cell_pipelines.workflows.model_names import known_models, open_model
from cell_pipelines.workflows.trained_model import TrainedModel

_FOLDER = "models"
# Models that counted, by their hash, and the file of a job that says which one it was.
_KEPT, _COUNTED_BY = "counted_by", "counted_by.json"
_LOCK_SECONDS = 30


class MissingModelError(MistakeError):
    """There is no such model, or it is another user's."""


class OwnModel(BaseModel):
    """A model that a user's training gave.

    Attributes:
        name: As jobs take it.
        trained: When the training ended.
        start: The model that it started from; empty where that is not known any more.
        images: How many corrected images there were; 0 where that is not known.
        source: The job whose images were corrected; empty where that is not known.
        title: What that job was called then.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    trained: datetime
    start: str = ""
    images: int = 0
    source: str = ""
    title: str = ""


def models_folder(store: JobStore, user: str) -> Path:
    """Return where the models lie that a user's jobs trained."""
    return store.root / "users" / user / _FOLDER


def user_models(store: JobStore, user: str) -> tuple[str, ...]:
    """Return the names of all models that a user may choose; a user's own are called ``mine/NAME``.

    Paths are none of them, so that nobody looks for files on the server.
    """
    own = sorted(path.stem for path in models_folder(store, user).glob("*.pt"))
    return (*known_models(), *(f"mine/{name}" for name in own))


def keep_trained(store: JobStore, user: str, trained: Path, model: OwnModel) -> Path:
    """Keep a trained model under its name, with what is known of it, and return its file."""
    target = models_folder(store, user) / f"{model.name.removeprefix('mine/')}.pt"
    with atomic_path(target.with_suffix(".json"), durable=True) as temporary:
        temporary.write_text(model.model_dump_json(), encoding="utf-8")
    with atomic_path(target, durable=True) as temporary:
        shutil.copyfile(trained, temporary)
    return target


def own_models(store: JobStore, user: str) -> list[OwnModel]:
    """Return the models that a user's trainings gave, the newest first."""
    found = [_read_own(path) for path in models_folder(store, user).glob("*.pt")]
    return sorted(found, key=lambda one: one.trained, reverse=True)


def _read_own(path: Path) -> OwnModel:
    note = path.with_suffix(".json")
    if note.is_file():
        return OwnModel.model_validate_json(note.read_bytes())
    return OwnModel(name=f"mine/{path.stem}", trained=datetime.fromtimestamp(path.stat().st_mtime, UTC))


def remove_own_model(store: JobStore, user: str, name: str) -> None:
    """Delete a model that a training of the user gave; counts that it made stay, with their own copy of it.

    Raises:
        MistakeError: The user has no such model, or a job that waits counts with it.
    """
    path = models_folder(store, user) / f"{name}.pt"
    with names_locked(store, user):
        if f"mine/{name}" not in user_models(store, user):
            raise MissingModelError(f"there is no model 'mine/{name[:40]}'; it may have been deleted.")
        waiting = [job for job in store.jobs(user) if job.state == "queued" and job.kind == "count"]
        if any(job.settings.get("model") == f"mine/{name}" for job in waiting):
            raise MistakeError(f"a job that waits counts with the model 'mine/{name}'; cancel it first.")
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)


@contextmanager
def names_locked(store: JobStore, user: str) -> Iterator[None]:
    """Hold the names of a user's models, so that none comes or goes meanwhile."""
    folder = models_folder(store, user)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock", timeout=_LOCK_SECONDS):
        yield


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


def keep_model(store: JobStore, job: Job, name: str) -> TrainedModel:
    """Return the model that counts a job, the same one whenever the job is looked at again.

    A copy is kept: models of a project may be trained again or deleted, and counts would then be said to be another's.

    Args:
        store: The store.
        job: The job.
        name: Name of the model where the job has none yet.

    Raises:
        MistakeError: The user has no such model.
    """
    note = store.folder(job) / _COUNTED_BY
    if note.is_file() and (known := _noted_path(store, note)).is_file():
        return _open_kept(known)
    model = open_user_model(store, job.user, name)
    with atomic_path(note) as temporary:
        temporary.write_text(json.dumps({"sha256": model.sha256, "file": model.path.name}), encoding="utf-8")
    kept = _noted_path(store, note)
    if not kept.is_file():
        with atomic_path(kept, durable=True) as temporary:
            shutil.copyfile(model.path, temporary)
    return _open_kept(kept)


def share_model(store: JobStore, source: Job, job: Job) -> TrainedModel:
    """Let a job have the model that counted another one, and return it.

    Raises:
        MistakeError: None has counted that yet.
    """
    note = store.folder(job) / _COUNTED_BY
    if not note.is_file():
        kept_model(store, source)
        with atomic_path(note) as temporary:
            shutil.copyfile(store.folder(source) / _COUNTED_BY, temporary)
    return kept_model(store, job)


def kept_model(store: JobStore, job: Job) -> TrainedModel:
    """Return the model that counted a job.

    Raises:
        MistakeError: None has yet.
    """
    note = store.folder(job) / _COUNTED_BY
    if not note.is_file():
        raise MistakeError(f"the images of {job.title!r} have not been counted yet.")
    return _open_kept(_noted_path(store, note))


def remove_unused_models(store: JobStore) -> None:
    """Delete the models that no job names any more."""
    notes = [path.read_text(encoding="utf-8") for path in store.root.glob(f"users/*/jobs/*/{_COUNTED_BY}")]
    used = {json.loads(text)["sha256"] for text in notes}
    for folder in (store.root / _KEPT).glob("*"):
        if folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)


def _noted_path(store: JobStore, note: Path) -> Path:
    said = json.loads(note.read_text(encoding="utf-8"))
    return store.root / _KEPT / str(said["sha256"]) / str(said["file"])


@lru_cache(maxsize=8)
def _open_kept(path: Path) -> TrainedModel:
    """Return a kept model, which never changes; opened again and again, its file would be read each time."""
    return TrainedModel.open(path)
