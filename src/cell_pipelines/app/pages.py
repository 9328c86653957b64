"""Pages as HTML from templates."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cell_pipelines import __version__
from cell_pipelines.app.jobs import ENDED

#: States of jobs as people read them.
STATES = {"queued": "Waiting", "running": "Working", "done": "Done", "failed": "Failed", "cancelled": "Cancelled"}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def render(request: Request, template: str, **values: Any) -> str:
    """Return a page.

    Args:
        request: The request that it answers.
        template: Name of the template.
        values: What the template shows.
    """
    prefix = request.scope.get("root_path", "").rstrip("/")
    asks = bool(request.app.state.settings.tokens)
    shared = {"root": prefix, "version": __version__, "asks": asks, "states": STATES, "ended": ENDED}
    return _environment().get_template(template).render(**shared, **values)
