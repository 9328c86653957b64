"""The server: pages and HTTP interface over the jobs of one folder."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from cell_pipelines import __version__
from cell_pipelines.app.counting import run_count
from cell_pipelines.app.jobs import JobStore
from cell_pipelines.app.pages import render
from cell_pipelines.app.queue import JobQueue, delete_old
from cell_pipelines.app.routes import corrections, counts, health, jobs, pages, trainings
from cell_pipelines.app.settings import AppSettings
from cell_pipelines.app.training import run_training
from cell_pipelines.failures import describe, is_mistake

logger = logging.getLogger(__name__)

_STATIC = Path(__file__).parent / "static"
_CLEAN_SECONDS = 3600
# Images are shown from this server only, and scripts run from it only. Bokeh sets styles of its own elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(settings: AppSettings) -> FastAPI:
    """Return the server; with `settings.works` it works on the jobs of its folder while it runs."""
    app = FastAPI(
        title="cell_pipelines",
        version=__version__,
        description="Count cells in microscopy images. Jobs wait in a queue on disk; the page uses this interface.",
        root_path=settings.root_path,
        lifespan=_live,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.settings = settings
    app.state.store = JobStore(settings.folder)
    app.state.queue = JobQueue(app.state.store, {"count": run_count, "train": run_training})
    _refuse_other_hosts(app, settings)
    app.middleware("http")(_with_headers)
    for kind in (StarletteHTTPException, RequestValidationError, ValueError, OSError, ImportError, Exception):
        app.add_exception_handler(kind, _answer_error)
    for module in (jobs, counts, corrections, trainings, health, pages):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.mount("/bokeh", StaticFiles(directory=_bokeh_files()), name="bokeh")
    return app


def _bokeh_files() -> Path:
    import bokeh

    return Path(bokeh.__file__).parent / "server" / "static" / "js"


def _refuse_other_hosts(app: FastAPI, settings: AppSettings) -> None:
    """On this machine only, answer to its own names only, so that no other page leads a browser here."""
    if settings.host in ("127.0.0.1", "localhost", "::1") and not settings.tokens:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", "testserver"])


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    settings: AppSettings = app.state.settings
    if settings.works:
        app.state.queue.start()
    cleaning = asyncio.create_task(_clean(app)) if settings.works and settings.keep_days else None
    try:
        yield
    finally:
        if cleaning is not None:
            cleaning.cancel()
            with suppress(asyncio.CancelledError):
                await cleaning
        app.state.queue.stop()


async def _clean(app: FastAPI) -> None:
    while True:
        await asyncio.to_thread(delete_old, app.state.store, app.state.settings.keep_days)
        await asyncio.sleep(_CLEAN_SECONDS)


async def _with_headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _answer_error(request: Request, error: Exception) -> Response:
    """Answer with one sentence: as JSON to programs, as a page to people."""
    status, sentence = _describe(error)
    is_page = "/api/" not in request.url.path and "text/html" in request.headers.get("accept", "")
    if status == 401 and is_page:
        return RedirectResponse(request.url_for("show_login"), 303)
    if not is_page:
        return JSONResponse({"error": sentence}, status)
    return HTMLResponse(render(request, "error.html.j2", sentence=sentence, status=status), status)


def _describe(error: Exception) -> tuple[int, str]:
    if isinstance(error, StarletteHTTPException):
        return error.status_code, "there is no such page." if error.detail == "Not Found" else str(error.detail)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return 422, f"{place or 'the request'}: {first['msg'][0].lower()}{first['msg'][1:]}."
    if is_mistake(error):
        return 400, describe(error)
    logger.exception("A request failed.", exc_info=error)
    return 500, f"{describe(error)} (The traceback is in the server's log.)"
