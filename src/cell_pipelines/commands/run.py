"""Run a pipeline of the project in the current folder, with the options of ``kedro run``."""

from pathlib import Path
from typing import Any

import click

_PACKAGE = Path(__file__).parents[1].name


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(ctx: click.Context, words: tuple[str, ...]) -> Any:
    """Run a pipeline of the project in this folder, as `kedro run` does."""
    from kedro.framework.cli.utils import find_run_command
    from kedro.framework.project import configure_project

    from cell_pipelines.project import current_project

    asks_for_help = bool({"--help", "-h"} & set(words))
    if not asks_for_help:
        current_project()
    configure_project(_PACKAGE)
    command: Any = find_run_command(_PACKAGE)
    return command.main(["--help"] if asks_for_help else list(words), prog_name=ctx.command_path, standalone_mode=False)
