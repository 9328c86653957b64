"""Serve the web page: drop images, get counts, correct them, train on the corrections."""

from pathlib import Path

import click

from cell_pipelines.commands.options import Decimal, Whole

_MB_HELP = "Most megabytes of one upload."
_JOBS_HELP = "Most jobs of a user that wait or run at once."
_FILES_HELP = "Most images of one upload, those in archives included."


def _tokens(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition(":") for value in values]
    for name, colon, secret in pairs:
        if not (name and colon and len(secret) >= 8):
            raise click.BadParameter("expected NAME:SECRET, the secret of at least 8 characters.")
    if len({secret for _, _, secret in pairs}) < len(pairs):
        raise click.BadParameter("two users have the same secret.")
    return {secret: name for name, _, secret in pairs}


@click.command()
@click.option("--folder", type=Path, default=Path("cell_pipelines_app"), show_default=True, help="Keeps all jobs.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Any other address needs a token.")
@click.option("--port", type=Whole(0, 65535), default=8700, show_default=True, help="0 for a free one.")
@click.option("--token", "tokens", multiple=True, callback=_tokens, metavar="NAME:SECRET", envvar="CELL_APP_TOKENS",
              help="One per user; or several in CELL_APP_TOKENS, with spaces between.")  # fmt: skip
@click.option("--root-path", default="", help="Prefix of the address behind a reverse proxy, such as /cells.")
@click.option("--user-header", default="", help="Header by which a reverse proxy that logs people in names them.")
@click.option("--upload-mb", type=Decimal("500", 0.001), default=4000.0, show_default=True, help=_MB_HELP)
@click.option("--upload-files", type=Whole(min=1), default=5000, show_default=True, help=_FILES_HELP)
@click.option("--open-jobs", type=Whole(min=1), default=200, show_default=True, help=_JOBS_HELP)
@click.option("--keep-days", type=Decimal("30", 0.001), help="Delete ended jobs after so many days.")
@click.option("--pages-only", is_flag=True, help="Serve pages; another process works on the jobs.")
@click.option("--jobs-only", is_flag=True, help="Work on the jobs; another process serves the pages.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in a browser.")
def app(pages_only: bool, jobs_only: bool, opens: bool, **settings: object) -> None:
    """Serve a web page on which images are dropped and their cells counted, corrected and learnt from."""
    from pydantic import ValidationError

    from cell_pipelines.app.serving import serve, work
    from cell_pipelines.app.settings import AppSettings
    from cell_pipelines.failures import MistakeError

    if pages_only and jobs_only:
        raise click.UsageError("choose one of `--pages-only` and `--jobs-only`; without them one process does both.")
    try:
        chosen = AppSettings.model_validate({**settings, "works": not pages_only})
    except ValidationError as error:
        raise MistakeError(f"{error.errors()[0]['msg'].removeprefix('Value error, ')}.") from error
    if jobs_only:
        work(chosen)
    else:
        serve(chosen, opens=opens)
