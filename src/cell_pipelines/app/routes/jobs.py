"""The HTTP interface of jobs: give one, see how far it is, cancel it, delete it."""

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from cell_pipelines.app.access import current_user
from cell_pipelines.app.counting import UPLOADS, CountSettings, check_diameter
from cell_pipelines.app.jobs import Job, JobStore
from cell_pipelines.app.models import OwnModel, open_user_model, own_models, remove_own_model, user_models
from cell_pipelines.app.receiving import Form, receive_form
from cell_pipelines.app.samples import write_sample
from cell_pipelines.app.uploads import UploadLimits, harmless_name, store_uploads
from cell_pipelines.failures import MistakeError

router = APIRouter(prefix="/api/v1", tags=["jobs"])
User = Annotated[str, Depends(current_user)]
_TITLE = 80
# Seconds that an answer is waited for, and from one look to the next.
_MOST_WAIT, _LOOK_SECONDS = 30.0, 0.03


class TooManyJobsError(MistakeError):
    """A user has as many jobs that have not ended as the server allows."""


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


class CountForm(BaseModel):
    """Form by which images are sent to be counted."""

    files: list[str] = Field([], description="Images, or ZIP archives of images; a name may have folders.")
    model: str = Field("nuclei", description="One of `GET /api/v1/models`.")
    diameter: str = Field("", description="Of a cell: 30 (pixels), 12 um, auto; empty for what the model knows.")
    channel: str = Field("", description="Of images with several: a name or a number from 0; empty for all.")
    threshold: str = Field("", description="Least score of a cell, 0 to 1; empty for the model's own.")
    title: str = Field("", description="What to call the job.")
    sample: bool = Field(False, description="Count a generated image instead of files.")


def _form_schema() -> dict[str, Any]:
    schema = CountForm.model_json_schema()
    schema["properties"]["files"]["items"] = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post("/jobs", status_code=201, openapi_extra=_form_schema())
async def create_job(request: Request, user: User) -> JobAnswer:
    """Count the cells of images; the answer comes at once, the counts when the job is done."""
    store, server = store_of(request), request.app.state.settings
    await run_in_threadpool(check_waiting, request, user)  # before anything is received
    with store.prepared(user) as folder:
        received = folder / "received"
        received.mkdir()
        names = set(CountForm.model_fields) - {"files"}
        form = await receive_form(request, received, UploadLimits(server.upload_mb, server.upload_files), names)
        job = await run_in_threadpool(_create, request, user, form, folder)
    add_job(request, job)
    return JobAnswer.of(job)


def _create(request: Request, user: str, form: Form, folder: Path) -> Job:
    """Make a job of what was received; nothing of it stays where anything is refused.

    Raises:
        MistakeError: The sentence says what.
    """
    given = _parsed(CountForm, form.fields)
    diameter, threshold = given.diameter.strip() or None, given.threshold.strip() or None
    chosen = {"model": given.model, "diameter": diameter, "channel": _channel(given.channel), "threshold": threshold}
    settings = _parsed(CountSettings, chosen)
    store, server = store_of(request), request.app.state.settings
    check_diameter(open_user_model(store, user, settings.model), settings.diameter)
    if given.sample:
        write_sample(folder / UPLOADS)
    else:
        store_uploads(form.files, folder / UPLOADS, UploadLimits(server.upload_mb, server.upload_files))
    shutil.rmtree(folder / "received")
    title = _clean(given.title) or ("Sample image" if given.sample else _title([name for name, _ in form.files]))
    return store.create(user, "count", title, settings.model_dump(), folder=folder)


def check_waiting(request: Request, user: str) -> None:
    """Refuse a further job where a user has as many that have not ended as the server allows.

    Raises:
        TooManyJobsError: There are so many.
    """
    most = request.app.state.settings.open_jobs
    if sum(not job.has_ended for job in store_of(request).jobs(user)) >= most:
        raise TooManyJobsError(f"{most} of your jobs wait or run, and no more may; wait for one to end, or cancel one.")


def add_job(request: Request, job: Job) -> None:
    """Put a new job into the queue; where that fails, it is not there."""
    try:
        request.app.state.queue.add(job)
    except BaseException:
        shutil.rmtree(store_of(request).folder(job), ignore_errors=True)
        raise


def _channel(text: str) -> str | int | None:
    plain = text.strip()
    return int(plain) if plain.isdecimal() else plain or None


_Model = TypeVar("_Model", bound=BaseModel)


def _parsed(kind: type[_Model], values: Mapping[str, Any]) -> _Model:
    """Return what was given, or say in a sentence what is wrong with it.

    Raises:
        MistakeError: A value is out of range, or of another kind.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        said = str(first["input"])[:_TITLE]
        raise MistakeError(f"{first['loc'][0]}: {first['msg'][0].lower()}{first['msg'][1:]}, got {said!r}.") from error


def _title(names: list[str]) -> str:
    """Return the folder that all files are in, else the name of the first."""
    folders = {harmless_name(name).rpartition("/")[0].partition("/")[0] for name in names}
    if len(folders) == 1 and (folder := folders.pop()):
        return _clean(folder)
    first = harmless_name(names[0]).rpartition("/")[2]
    return _clean(first) if len(names) == 1 else f"{_clean(first)[: _TITLE - 20]} and {len(names) - 1} more"


def _clean(title: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in title).split())[:_TITLE]


@router.get("/jobs")
def list_jobs(
    request: Request, user: User,
    most: Annotated[int, Query(ge=1, le=10_000, description="So many of them.")] = 200,
) -> list[JobAnswer]:  # fmt: skip
    """List the jobs of the user, the newest first."""
    return [JobAnswer.of(job) for job in store_of(request).jobs(user, most)]


@router.get("/jobs/{identity}")
async def get_job(
    request: Request, user: User, identity: str,
    wait: Annotated[float, Query(ge=0, le=_MOST_WAIT, description="Seconds to wait for the job to end.")] = 0.0,
) -> JobAnswer:  # fmt: skip
    """Say how far a job is, at once or when it has ended."""
    store, end = store_of(request), time.monotonic() + wait
    while True:
        job = await run_in_threadpool(store.get, user, identity)
        if job.has_ended or time.monotonic() >= end:
            return JobAnswer.of(job)
        await asyncio.sleep(min(_LOOK_SECONDS, max(end - time.monotonic(), 0.0)))


@router.post("/jobs/{identity}/cancel")
def cancel_job(request: Request, user: User, identity: str) -> JobAnswer:
    """End a job that waits or runs."""
    store = store_of(request)
    return JobAnswer.of(store.cancel(store.get(user, identity)))


@router.post("/jobs/{identity}/title")
def rename_job(
    request: Request, user: User, identity: str,
    title: Annotated[str, Body(embed=True, description="What to call the job.")],
) -> JobAnswer:  # fmt: skip
    """Call a job otherwise."""
    store = store_of(request)
    job, clean = store.get(user, identity), _clean(title)
    if not clean:
        raise MistakeError("a job needs a name; the one that was given has no characters that can be seen.")
    return JobAnswer.of(store.change(job, title=clean))


@router.delete("/jobs/{identity}", status_code=204)
def delete_job(request: Request, user: User, identity: str) -> None:
    """Delete a job that has ended, with its images and results."""
    store = store_of(request)
    store.remove(store.get(user, identity))


@router.get("/models")
def list_models(request: Request, user: User) -> list[str]:
    """List the models that jobs may name."""
    return list(user_models(store_of(request), user))


@router.get("/models/mine")
def list_own_models(request: Request, user: User) -> list[OwnModel]:
    """List the models that the user's trainings gave, with when, from what and on what they were trained."""
    return own_models(store_of(request), user)


@router.delete("/models/mine/{name}", status_code=204)
def delete_model(request: Request, user: User, name: str) -> None:
    """Delete a model that a training gave; counts that it made stay as they are."""
    remove_own_model(store_of(request), user, name)
