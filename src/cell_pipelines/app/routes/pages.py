"""The pages that people see."""

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from cell_pipelines.app.access import COOKIE, cookie_value, user_of_token
from cell_pipelines.app.counting import CountSettings
from cell_pipelines.app.models import user_models
from cell_pipelines.app.pages import render
from cell_pipelines.app.routes.jobs import JobAnswer, User, store_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_DAYS = 30


@router.get("/")
def show_start(request: Request, user: User) -> str:
    """Show where images are dropped, the models, and past jobs."""
    from cell_pipelines.imaging.reading import IMAGE_SUFFIXES

    jobs = [JobAnswer.of(job) for job in store_of(request).jobs(user)]
    endings = ",".join((*IMAGE_SUFFIXES, ".zip"))
    return render(
        request,
        "start.html.j2",
        jobs=jobs,
        models=list(user_models(store_of(request), user)),
        endings=endings,
        user=user,
    )


@router.get("/jobs/{identity}")
def show_job(request: Request, user: User, identity: str) -> str:
    """Show a job: how far it is, then its counts."""
    from cell_pipelines.annotations.formats.registry import FORMATS

    job = store_of(request).get(user, identity)
    if job.kind == "train":
        return render(request, "training.html.j2", job=JobAnswer.of(job), user=user)
    settings = CountSettings.model_validate(job.settings)
    return render(request, "job.html.j2", job=JobAnswer.of(job), settings=settings, formats=sorted(FORMATS), user=user)


@router.get("/login")
def show_login(request: Request) -> str:
    """Ask for a token."""
    return render(request, "login.html.j2", wrong=False, user=None)


@router.post("/login", response_model=None)
def log_in(request: Request, token: str = Form()) -> Response:
    """Keep a token in the browser."""
    settings = request.app.state.settings
    if user_of_token(settings, token) is None:
        return HTMLResponse(render(request, "login.html.j2", wrong=True, user=None), 401)
    response = RedirectResponse(f"{settings.root_path}/", 303)
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    path = settings.root_path or "/"
    response.set_cookie(
        COOKIE, cookie_value(token), max_age=_DAYS * 86400, path=path, httponly=True, samesite="strict", secure=secure
    )
    return response


@router.post("/logout", response_model=None)
def log_out(request: Request) -> Response:
    """Forget the token."""
    settings = request.app.state.settings
    response = RedirectResponse(f"{settings.root_path}/login", 303)
    response.delete_cookie(COOKIE, path=settings.root_path or "/")
    return response
