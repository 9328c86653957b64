"""The job that trains on corrected images, from the model that was corrected, and compares the two."""

import filecmp
import json
import logging
import multiprocessing
import os
import runpy
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.annotations.selection import concatenate
from cell_pipelines.app.comparing import compare_on_test
from cell_pipelines.app.corrections import corrected_images
from cell_pipelines.app.counting import UPLOADS, Count, open_count
from cell_pipelines.app.jobs import Job, JobStore
from cell_pipelines.app.models import OwnModel, keep_trained, kept_model, models_folder, names_locked, share_model
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_folder, atomic_path
from cell_pipelines.processes import end_with_parent
from cell_pipelines.progress import create_progress
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)

#: One each for training, validation and test.
LEAST_IMAGES = 3
#: What the study of a training is called.
STUDY = "corrected"
_SECONDS = 0.3
# Variables by which a project keeps its data elsewhere.
_ELSEWHERE = ("CELL_DATA_ROOT", "CELL_ARTIFACT_ROOT")


class TrainSettings(BaseModel):
    """Settings of a training on corrections.

    Attributes:
        source: The job whose images were corrected.
        model: What the training starts from; the model that counted them.
        minutes: How long.
        name: What the new model is called.
        title: What the source was called when the training was given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    model: str
    minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 5.0
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$")]
    title: str = ""


def check_training(count: Count) -> int:
    """Return the number of images that may be trained on.

    Raises:
        MistakeError: They are too few.
    """
    finished = len(corrected_images(count, finished_only=True))
    if finished < LEAST_IMAGES:
        raise MistakeError(
            f"a training needs at least {LEAST_IMAGES} images that are marked as fully corrected, one each to learn "
            f"from, to choose thresholds by and to test; there {'is' if finished == 1 else 'are'} {finished}."
        )
    return finished


def run_training(store: JobStore, job: Job) -> None:
    """Train on the corrected images of a job, keep the model, and compare it with the one before."""
    settings, folder = TrainSettings.model_validate(job.settings), store.folder(job)
    if not (folder / "data").is_dir():
        source = store.get(job.user, settings.source)
        share_model(store, source, job)
        _export(open_count(store, source), folder / "data")
    before = kept_model(store, job)
    _train(folder, settings, before.path)
    trained = _trained_file(folder)
    target = models_folder(store, job.user) / f"{settings.name}.pt"
    if target.exists() and not filecmp.cmp(trained, target, shallow=False):
        raise MistakeError(
            f"there is a model {settings.name!r} already, so this one is not kept; train by another name."
        )
    model = OwnModel(
        name=f"mine/{settings.name}", trained=datetime.now(UTC), start=settings.model, source=settings.source,
        title=settings.title, images=sum(path.is_file() for path in (folder / "data" / "images").rglob("*")),
    )  # fmt: skip
    keep_trained(store, job.user, trained, model)
    models = {f"{settings.model} (before)": before, f"{settings.name} (after)": TrainedModel.open(target)}
    data, study = folder / "data", folder / "project" / "data" / STUDY
    _write_json(folder / "comparison.json", compare_on_test(models, data / "images", study, folder / "comparison"))


@contextmanager
def reserved_name(store: JobStore, user: str, name: str) -> Iterator[None]:
    """Hold the name of a new model while its training is given, so that no two trainings have one.

    Raises:
        MistakeError: There is such a model, or it is being trained.
    """
    with names_locked(store, user):
        if name.casefold() in {path.stem.casefold() for path in models_folder(store, user).glob("*.pt")}:
            raise MistakeError(f"there is a model {name!r} already; choose another name.")
        trainings = [job for job in store.jobs(user) if job.kind == "train" and not job.has_ended]
        if name.casefold() in {str(job.settings.get("name")).casefold() for job in trainings}:
            raise MistakeError(f"a model {name!r} is being trained already; choose another name.")
        yield


def _export(count: Count, folder: Path) -> None:
    """Write the finished images and their cells as a person would have them who annotated by hand."""
    from cell_pipelines.annotations.formats.registry import write_annotations

    images = corrected_images(count, finished_only=True)
    with atomic_folder(folder) as temporary:
        for one in images:
            target = temporary / "images" / one.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(count.folder / UPLOADS / one.name, target)
        (temporary / "annotations").mkdir()
        cells = concatenate([one.annotations() for one in images])
        write_annotations(cells, temporary / "annotations", format="coco")


def _train(folder: Path, settings: TrainSettings, start: Path) -> None:
    """Train in a process of its own, which ends with this one and goes on where it was ended.

    Raises:
        MistakeError: It can't be trained; the sentence is that of the training.
    """
    if (folder / "trained").exists():
        return
    words = ["--name", STUDY, "--out", str(folder / "project")]
    if (folder / "project" / "conf" / STUDY).is_dir():
        words += ["--continue"]
    else:
        words += ["--images", str(folder / "data" / "images"), "--annotations", str(folder / "data" / "annotations")]
        words += ["--minutes", str(settings.minutes), "--start", str(start)]
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(folder, words))
    process.start()
    try:
        with create_progress() as bar:
            task = bar.add_task("training", total=None)
            while process.is_alive():
                process.join(_SECONDS)
                found = read_json(folder / "progress.json")
                bar.update(task, description=found.get("doing", "preparing"), total=found.get("total") or None)
                bar.update(task, completed=found.get("done", 0))
                bar.advance(task, 0)  # tells, and looks whether a person wants it to end
    finally:
        if process.is_alive():
            process.terminate()
            process.join(10)
            process.kill()
    if process.exitcode != 0:
        raise MistakeError(_read_error(folder / "train.log", process.exitcode))
    (folder / "trained").touch()


def _work(folder: Path, words: list[str]) -> None:
    """Do what ``cell-pipelines train`` does, in a process of its own."""
    end_with_parent()
    for name in _ELSEWHERE:  # each training has its own project, wherever the server's lies
        os.environ.pop(name, None)
    with (folder / "train.log").open("a", encoding="utf-8") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    from cell_pipelines.progress import tell_always

    tell_always(_FileTeller(folder / "progress.json"))
    sys.argv = ["cell-pipelines", "train", *words]
    runpy.run_module("cell_pipelines", run_name="__main__", alter_sys=True)


def _read_error(log: Path, status: int | None) -> str:
    """Return the sentence with which the command ended."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    _, found, sentence = text.rpartition("Error: ")
    return " ".join(sentence.split()) if found else f"the training ended with exit status {status}, without a word."


class _FileTeller:
    """Write how far the work is, not more often than can be read."""

    def __init__(self, path: Path) -> None:
        self._path, self._written = path, 0.0

    def __call__(self, doing: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._written >= _SECONDS or done >= total:
            self._written = now
            _write_json(self._path, {"doing": doing, "done": done, "total": total})


def read_json(path: Path) -> dict[str, Any]:
    """Return what a file holds, nothing where it is not there."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_path(path, durable=False) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")


def _trained_file(folder: Path) -> Path:
    models = folder / "project" / "data" / STUDY / "06_models"
    found = [path for path in sorted(models.glob("*.pt")) if not path.stem.endswith("_untuned")]
    if not found:
        raise MistakeError("the training ended without a model; its log is in the folder of the job.")
    return found[0]
