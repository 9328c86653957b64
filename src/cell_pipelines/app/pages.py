"""Pages as HTML from templates."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cell_pipelines import __version__


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
    return _environment().get_template(template).render(root=prefix, version=__version__, asks=asks, **values)
