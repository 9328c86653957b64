"""The HTTP interface of jobs: give one, see how far it is, cancel it, delete it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from cell_pipelines.app.access import current_user
from cell_pipelines.app.counting import UPLOADS, CountSettings
from cell_pipelines.app.jobs import Job, JobStore
from cell_pipelines.app.models import open_user_model, user_models
from cell_pipelines.app.samples import write_sample
from cell_pipelines.app.settings import AppSettings
from cell_pipelines.app.uploads import UploadLimits, store_uploads
from cell_pipelines.failures import MistakeError

router = APIRouter(prefix="/api/v1", tags=["jobs"])
User = Annotated[str, Depends(current_user)]
_TITLE = 80


class JobAnswer(BaseModel):
    """A job as programs see it; `Job` says what the fields are."""

    id: str
    kind: str
    title: str
    settings: dict[str, Any]
    created: str
    state: str
    doing: str
    done: int
    total: int
    message: str
    seconds: float | None

    @classmethod
    def of(cls, job: Job) -> "JobAnswer":
        """Return the answer for a job."""
        plain = job.model_dump(include=set(cls.model_fields) - {"seconds", "created"})
        seconds = (job.ended - job.started).total_seconds() if job.started and job.ended else None
        return cls(**plain, created=job.created.isoformat(timespec="seconds"), seconds=seconds)


def store_of(request: Request) -> JobStore:
    """Return the jobs of the server that answers."""
    store: JobStore = request.app.state.store
    return store


@router.post("/jobs", status_code=201)
async def create_job(
    request: Request,
    user: User,
    files: Annotated[list[UploadFile], Form(description="Images, or ZIP archives of images.")] = [],  # noqa: B006
    model: Annotated[str, Form(description="One of `GET /api/v1/models`.")] = "nuclei",
    diameter: Annotated[
        str, Form(description="Of a cell: 30 (pixels), 12 um, auto; empty for what the model knows.")
    ] = "",
    channel: Annotated[str, Form(description="Of images with several: a name or a number from 0; empty for all.")] = "",
    threshold: Annotated[str, Form(description="Least score of a cell, 0 to 1; empty for the model's own.")] = "",
    title: Annotated[str, Form(description="What to call the job.")] = "",
    sample: Annotated[bool, Form(description="Count a generated image instead of files.")] = False,
) -> JobAnswer:
    """Count the cells of images; the answer comes at once, the counts when the job is done."""
    given = {"model": model, "diameter": diameter.strip() or None, "channel": _channel(channel)}
    settings = _settings({**given, "threshold": threshold.strip() or None})
    open_user_model(store_of(request), user, settings.model)
    if not sample and not files:
        raise MistakeError("there is no image in the upload; choose at least one.")
    named = title.strip()[:_TITLE] or ("Sample image" if sample else _title(files))
    return await run_in_threadpool(_create, request, user, named, settings, [] if sample else files)


def _channel(text: str) -> str | int | None:
    plain = text.strip()
    return int(plain) if plain.isdecimal() else plain or None


def _settings(values: dict[str, Any]) -> CountSettings:
    """Return settings, or say in a sentence which one is wrong.

    Raises:
        MistakeError: One is out of range.
    """
    from cell_pipelines.workflows.parameters.call_arguments import read_inference

    try:
        settings = CountSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise MistakeError(f"{first['loc'][0]}: {first['msg'].lower()}, got {first['input']!r}.") from error
    read_inference(settings.diameter)
    return settings


def _title(files: list[UploadFile]) -> str:
    first = (files[0].filename or "image").replace("\\", "/").rpartition("/")[2]
    return first[:_TITLE] if len(files) == 1 else f"{first[: _TITLE - 20]} and {len(files) - 1} more"


def _create(request: Request, user: str, title: str, settings: CountSettings, files: list[UploadFile]) -> JobAnswer:
    import shutil

    store, server = store_of(request), request.app.state.settings
    job = store.create(user, "count", title, settings.model_dump())
    try:
        _take(store, job, server, files)
    except BaseException:
        shutil.rmtree(store.folder(job), ignore_errors=True)
        raise
    request.app.state.queue.add(job)
    return JobAnswer.of(job)


def _take(store: JobStore, job: Job, server: AppSettings, files: list[UploadFile]) -> None:
    folder = store.folder(job) / UPLOADS
    if not files:
        write_sample(folder)
        return
    contents = ((file.filename or "image", file.file) for file in files)
    store_uploads(contents, folder, UploadLimits(server.upload_mb, server.upload_files))


@router.get("/jobs")
def list_jobs(request: Request, user: User) -> list[JobAnswer]:
    """List the jobs of the user, the newest first."""
    return [JobAnswer.of(job) for job in store_of(request).jobs(user)]


@router.get("/jobs/{identity}")
def get_job(request: Request, user: User, identity: str) -> JobAnswer:
    """Say how far a job is."""
    return JobAnswer.of(store_of(request).get(user, identity))


@router.post("/jobs/{identity}/cancel")
def cancel_job(request: Request, user: User, identity: str) -> JobAnswer:
    """End a job that waits or runs."""
    store = store_of(request)
    return JobAnswer.of(store.cancel(store.get(user, identity)))


@router.delete("/jobs/{identity}", status_code=204)
def delete_job(request: Request, user: User, identity: str) -> None:
    """Delete a job that has ended, with its images and results."""
    store = store_of(request)
    store.remove(store.get(user, identity))


@router.get("/models")
def list_models(request: Request, user: User) -> list[str]:
    """List the models that jobs may name."""
    return list(user_models(store_of(request), user))
