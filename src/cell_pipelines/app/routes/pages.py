"""The pages that people see."""

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from cell_pipelines.app.access import COOKIE, cookie_value, user_of_token
from cell_pipelines.app.counting import CountSettings, counted_total
from cell_pipelines.app.guard import REPORT_HEADERS
from cell_pipelines.app.interface import describe_interface
from cell_pipelines.app.models import own_models, user_models
from cell_pipelines.app.pages import render
from cell_pipelines.app.routes.jobs import JobAnswer, User, store_of
from cell_pipelines.app.studies import DEMO, find_studies

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_DAYS = 30
_MOST_JOBS = 200
_STARTER = "{} (starter, nuclei in fluorescence)"


@router.get("/")
def show_start(request: Request, user: User) -> str:
    """Show where images are dropped, the models, and past jobs."""
    from cell_pipelines.imaging.reading import IMAGE_SUFFIXES

    store, studies = store_of(request), find_studies()
    jobs = store.jobs(user, _MOST_JOBS)
    return render(
        request,
        "start.html.j2",
        jobs=[(JobAnswer.of(job), counted_total(store, job)) for job in jobs],
        known={job.id: job.title for job in jobs},
        own=own_models(store, user),
        models=_grouped(user_models(store, user)),
        endings=",".join((*IMAGE_SUFFIXES, ".zip")),
        studies=list(studies.values()),
        has_demo=DEMO in studies,
        user=user,
    )


def _grouped(names: tuple[str, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the models by where they come from, each with its name and what a person reads."""
    groups = {
        "Comes with the program": [(name, _STARTER.format(name)) for name in names if "/" not in name],
        "Trained on my corrections": [(name, name.removeprefix("mine/")) for name in names if name.startswith("mine/")],
        "Studies of this project": [(name, name) for name in names if "/" in name and not name.startswith("mine/")],
    }
    return [(title, members) for title, members in groups.items() if members]


@router.get("/studies/{study}/{key:path}")
def show_report(user: User, study: str, key: str) -> FileResponse:
    """Show a report page of a study: one of those that were found, never a file that the address names."""
    found = find_studies().get(study)
    if found is None or key not in found.pages:
        raise HTTPException(404, "there is no such report; the start page lists those that there are.")
    return FileResponse(found.pages[key], media_type="text/html", headers=REPORT_HEADERS)


@router.get("/api")
def show_interface(request: Request, user: User) -> str:
    """Show the HTTP interface with an example."""
    example = _example(str(request.base_url).rstrip("/"), asks=bool(request.app.state.settings.tokens))
    return render(
        request, "api.html.j2", subjects=describe_interface(request.app.openapi()), example=example, user=user
    )


def _example(address: str, *, asks: bool) -> str:
    token = ' -H "Authorization: Bearer TOKEN"' if asks else ""
    jobs = f"{address}/api/v1/jobs"
    return "\n".join(
        [
            f"curl{token} -F files=@image.png -F model=nuclei {jobs}",
            f"curl{token} {jobs}/JOB",
            f"curl{token} {jobs}/JOB/counts",
            f"curl{token} -o counts.xlsx {jobs}/JOB/download/counts.xlsx",
        ]
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
