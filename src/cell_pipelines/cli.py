"""The project's own ``kedro run``: Kedro's, with ``--dry-run`` for experiments."""

from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run


@click.group()
def cli() -> None:
    """Commands of the project."""


def _run(*, dry_run: bool, params: dict[str, Any], **options: Any) -> Any:
    given = {**params, "dry_run": True} if dry_run else params
    callback = kedro_run.callback
    if callback is None:
        raise click.ClickException("Kedro's own run command has no function; the installed Kedro is another one.")
    return callback(params=given, **options)


_DRY_RUN = click.Option(["--dry-run"], is_flag=True, help="List an experiment's members with time and memory only.")

run = click.Command("run", callback=_run, params=[*kedro_run.params, _DRY_RUN], help=kedro_run.help)
cli.add_command(run)
