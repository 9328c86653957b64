"""Whether the server works, and figures for monitoring."""

import os
from collections import Counter

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from cell_pipelines import __version__
from cell_pipelines.app.routes.jobs import User, store_of

router = APIRouter(tags=["operation"])


@router.get("/health")
def get_health(request: Request, response: Response) -> dict[str, str]:
    """Say whether the server works, with status 503 where it does not; needs no token."""
    settings, queue = request.app.state.settings, request.app.state.queue
    status = "ok"
    if not os.access(settings.folder, os.W_OK):
        status = "the folder of the jobs can't be written into"
    elif settings.works and not queue.works:
        status = "no job is worked on"
    response.status_code = 200 if status == "ok" else 503
    return {"status": status, "version": __version__}


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics(request: Request, user: User) -> str:
    """Return numbers of jobs in the text format of Prometheus."""
    jobs = Counter((job.kind, job.state) for job in store_of(request).jobs())
    lines = [f'cell_pipelines_jobs{{kind="{kind}",state="{state}"}} {n}' for (kind, state), n in sorted(jobs.items())]
    head = ["# HELP cell_pipelines_jobs Jobs that are kept, by kind and state.", "# TYPE cell_pipelines_jobs gauge"]
    waiting = [
        "# HELP cell_pipelines_jobs_waiting Jobs in the queue.", "# TYPE cell_pipelines_jobs_waiting gauge",
        f"cell_pipelines_jobs_waiting {request.app.state.queue.waiting}",
    ]  # fmt: skip
    return "\n".join([*head, *lines, *waiting]) + "\n"
