"""The HTTP interface of trainings on corrections: begin one, its curve, its comparison."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import FileResponse

from cell_pipelines.app.counting import CountSettings, open_count
from cell_pipelines.app.curves import read_curve
from cell_pipelines.app.guard import REPORT_HEADERS
from cell_pipelines.app.routes.jobs import JobAnswer, User, add_job, check_waiting, store_of
from cell_pipelines.app.training import TrainSettings, check_training, read_json, reserved_name
from cell_pipelines.failures import MistakeError

router = APIRouter(prefix="/api/v1/jobs/{identity}", tags=["trainings"])


@router.post("/train", status_code=201)
def begin_training(
    request: Request, user: User, identity: str,
    name: Annotated[str, Body(description="What the new model is called: letters, digits, _ and -.")],
    minutes: Annotated[float, Body(description="How long to train.")] = 5.0,
) -> JobAnswer:  # fmt: skip
    """Train on the images of a count that are marked as fully corrected, from the model that counted them."""
    from pydantic import ValidationError

    store = store_of(request)
    job = store.get(user, identity)
    images = check_training(open_count(store, job))
    model = CountSettings.model_validate(job.settings).model
    check_waiting(request, user)
    try:
        settings = TrainSettings(source=identity, model=model, minutes=minutes, name=name, title=job.title)
    except ValidationError as error:
        first = error.errors()[0]
        raise MistakeError(f"{first['loc'][0]}: {first['msg'].lower()}, got {first['input']!r}.") from error
    with reserved_name(store, user, name):
        training = store.create(user, "train", f"Train {name} on {images} images", settings.model_dump())
    add_job(request, training)
    return JobAnswer.of(training)


@router.get("/training")
def get_training(request: Request, user: User, identity: str) -> dict[str, Any]:
    """Return the curve of a training, one row per epoch, and, when it is done, the comparison with the model before."""
    store = store_of(request)
    job = store.get(user, identity)
    if job.kind != "train":
        raise MistakeError(f"the job {job.title!r} is no training.")
    folder = store.folder(job)
    return {"curve": read_curve(folder), "comparison": read_json(folder / "comparison.json") or None}


@router.get("/training/report", response_class=FileResponse)
def get_comparison(request: Request, user: User, identity: str) -> FileResponse:
    """Return the page that compares the new model with the one before."""
    store = store_of(request)
    path = store.folder(store.get(user, identity)) / "comparison" / "report.html"
    if not path.is_file():
        raise MistakeError("the models have not been compared yet.")
    return FileResponse(path, media_type="text/html", headers=REPORT_HEADERS)
