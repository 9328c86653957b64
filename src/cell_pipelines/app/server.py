"""The server: pages and HTTP interface over the jobs of one folder."""

import asyncio
import errno
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from cell_pipelines import __version__
from cell_pipelines.app.counting import run_count
from cell_pipelines.app.guard import Guard
from cell_pipelines.app.jobs import JobStore, MissingJobError
from cell_pipelines.app.models import MissingModelError
from cell_pipelines.app.pages import render
from cell_pipelines.app.queue import JobQueue
from cell_pipelines.app.routes import corrections, counts, health, jobs, pages, trainings
from cell_pipelines.app.routes.jobs import TooManyJobsError
from cell_pipelines.app.sentences import without_places
from cell_pipelines.app.settings import AppSettings
from cell_pipelines.app.training import run_training
from cell_pipelines.app.uploads import TooLargeError
from cell_pipelines.failures import describe, is_mistake

logger = logging.getLogger(__name__)

_STATUS: dict[type[Exception], int] = {
    MissingJobError: 404, MissingModelError: 404, TooLargeError: 413, TooManyJobsError: 429,
}  # fmt: skip
_STATIC = Path(__file__).parent / "static"


def create_app(settings: AppSettings) -> FastAPI:
    """Return the server; with `settings.works` it works on the jobs of its folder while it runs."""
    app = FastAPI(
        title="cell_pipelines",
        version=__version__,
        description="Count cells in microscopy images. Jobs wait in a queue on disk; the page uses this interface.",
        lifespan=_live,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        telemetry={"auto_configure": False},  # nothing is sent to any other host
    )
    app.state.settings = settings
    app.state.store = JobStore(settings.folder)
    app.state.queue = create_queue(app.state.store)
    app.add_middleware(Guard, settings=settings, on_error=_answer_error)
    for kind in (StarletteHTTPException, RequestValidationError, ValueError, OSError, ImportError):
        app.add_exception_handler(kind, _answer_error)
    for module in (jobs, counts, corrections, trainings, health, pages):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.mount("/bokeh", StaticFiles(directory=_bokeh_files()), name="bokeh")
    return app


def create_queue(store: JobStore) -> JobQueue:
    """Return the queue of a store with all that jobs can be."""
    return JobQueue(store, {"count": run_count, "train": run_training})


def _bokeh_files() -> Path:
    import bokeh

    return Path(bokeh.__file__).parent / "server" / "static" / "js"


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    settings: AppSettings = app.state.settings
    queue: JobQueue = app.state.queue
    if settings.works:
        queue.start(settings.keep_days)
    else:
        queue.recover()
    try:
        yield
    finally:
        await asyncio.to_thread(queue.stop)


async def _answer_error(request: Request, error: Exception) -> Response:
    """Answer with one sentence: as JSON to programs, as a page to people."""
    status, sentence = _describe(error, request.app.state.store.root)
    is_page = "/api/" not in request.url.path and "text/html" in request.headers.get("accept", "")
    if status == 401 and is_page:
        return RedirectResponse(request.url_for("show_login"), 303)
    if not is_page:
        return JSONResponse({"error": sentence}, status)
    return HTMLResponse(render(request, "error.html.j2", sentence=sentence, status=status), status)


def _describe(error: Exception, root: Path) -> tuple[int, str]:
    if isinstance(error, StarletteHTTPException):
        return error.status_code, "there is no such page." if error.detail == "Not Found" else str(error.detail)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return 422, f"{place or 'the request'}: {first['msg'][0].lower()}{first['msg'][1:]}."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return 507, "the server's disk is full, so this could not be kept; whoever runs the server can make room."
    if is_mistake(error):
        status = next((number for kind, number in _STATUS.items() if isinstance(error, kind)), 400)
        return status, without_places(describe(error), root)
    # What an error says may name an image, so the log has only where it happened.
    places = "".join(traceback.format_tb(error.__traceback__))
    logger.error("A request failed with %s.\n%s", type(error).__name__, places)
    return 500, f"something went wrong in the server ({type(error).__name__}); its log says where."
