"""The HTTP interface of counts: tables, pictures, cells by threshold, downloads."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.background import BackgroundTask

from cell_pipelines.app.cells import describe_cells
from cell_pipelines.app.counting import Count, CountSettings, open_count, recount
from cell_pipelines.app.downloads import write_download
from cell_pipelines.app.guard import REPORT_HEADERS
from cell_pipelines.app.routes.jobs import JobAnswer, User, store_of
from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.reduced_pictures import reduced_picture

router = APIRouter(prefix="/api/v1/jobs/{identity}", tags=["counts"])
_MOST_PX = 4096
_Threshold = Annotated[float | None, Query(ge=0, le=1, description="Least score of a cell; else that of the job.")]
_Area = Annotated[float | None, Query(ge=0, description="In px² of the image; else that of the job.")]


def _open(request: Request, user: str, identity: str) -> Count:
    store = store_of(request)
    return open_count(store, store.get(user, identity))


def image_name(count: Count, number: int) -> str:
    """Return the name of an image by its number.

    Raises:
        MistakeError: There is no such image.
    """
    if not 0 <= number < len(count.names):
        raise MistakeError(f"there is no image {number}; the job has {len(count.names)} images, from 0.")
    return count.names[number]


def _settings(count: Count, threshold: float | None, min_area: float | None, max_area: float | None) -> CountSettings:
    given = {"threshold": threshold, "min_area_px": min_area, "max_area_px": max_area}
    return count.settings.model_copy(update={key: value for key, value in given.items() if value is not None})


@router.get("/counts")
def get_counts(request: Request, user: User, identity: str) -> dict[str, Any]:
    """Return one row per image: counts, intervals, warnings, errors; what speaks against them; totals by folder."""
    from cell_pipelines.app.cells import describe_counts

    return describe_counts(_open(request, user, identity))


@router.post("/thresholds")
def set_thresholds(
    request: Request, user: User, identity: str,
    threshold: _Threshold = None, min_area: _Area = None, max_area: _Area = None, own: bool = False,
) -> JobAnswer:  # fmt: skip
    """Count all images again by other thresholds, without the network; `own` returns to the model's own."""
    store = store_of(request)
    job = store.get(user, identity)
    settings = _settings(open_count(store, job), threshold, min_area, max_area)
    if own:
        settings = settings.model_copy(update={"threshold": None, "min_area_px": 0.0, "max_area_px": None})
    return JobAnswer.of(recount(store, job, settings))


@router.get("/images/{number}/cells")
def get_cells(
    request: Request, user: User, identity: str, number: int,
    threshold: _Threshold = None, min_area: _Area = None, max_area: _Area = None,
) -> dict[str, Any]:  # fmt: skip
    """Return an image's cells by thresholds: class, score, area and outline of each."""
    count = _open(request, user, identity)
    settings = _settings(count, threshold, min_area, max_area)
    return describe_cells(count.cells(settings, image_name(count, number)))


@router.get("/images/{number}/picture", response_class=Response)
def get_picture(
    request: Request, user: User, identity: str, number: int,
    side: Annotated[int, Query(ge=16, le=_MOST_PX, description="Longest side in pixels.")] = _MOST_PX,
) -> Response:  # fmt: skip
    """Return an image as a picture whose contrast suits the screen, PNG."""
    count = _open(request, user, identity)
    return _png(reduced_picture(count.images[image_name(count, number)], side))


@router.get("/images/{number}/overlay.png", response_class=Response)
def get_overlay(request: Request, user: User, identity: str, number: int) -> Response:
    """Return an image with its cells drawn, PNG."""
    count = _open(request, user, identity)
    return _png(count.result().overlay(image_name(count, number)))


def _png(picture: np.ndarray) -> Response:
    import cv2

    _, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return Response(data.tobytes(), media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


@router.get("/report", response_class=HTMLResponse)
def get_report(request: Request, user: User, identity: str) -> HTMLResponse:
    """Return the page with counts, intervals and warnings, to be read in the browser."""
    return HTMLResponse(_open(request, user, identity).result().page(), headers=REPORT_HEADERS)


@router.get("/download/{kind}", response_class=FileResponse)
def download(request: Request, user: User, identity: str, kind: str) -> FileResponse:
    """Return counts.csv, counts.xlsx, cells.csv, report.html, all (a ZIP with overlays), or an annotation format."""
    count = _open(request, user, identity)
    temporary = tempfile.TemporaryDirectory(prefix="cell_pipelines_")
    try:
        path = write_download(count.result(), kind, Path(temporary.name))
    except BaseException:
        temporary.cleanup()
        raise
    name = f"{identity}_{path.name}"
    return FileResponse(path, filename=name, background=BackgroundTask(temporary.cleanup))
