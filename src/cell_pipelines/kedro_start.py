"""Prepare Kedro before it knows a project: telemetry is off, and commands outside a project say where to go."""

import os
import sys
from pathlib import Path
from typing import Any

import click


def prepare() -> None:
    """Switch telemetry off, and let commands find the programs of this Python's environment, such as ``mlflow``."""
    os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "true")
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", "")])


class _OutsideProject(click.Group):
    """Project commands where there is no project; inside one they are Kedro's and the project's own."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) if _is_outside() else None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return []


def _is_outside() -> bool:
    from kedro.utils import find_kedro_project

    return find_kedro_project(Path.cwd()) is None


class _NoProjectError(click.ClickException):
    exit_code = 2


def _refuse(**_: Any) -> None:
    raise _NoProjectError(
        f"there is no project in {Path.cwd()} or above it: go into the folder of cell_pipelines (cd …/cell_pipelines), "
        "which holds pyproject.toml and conf/, and type the command again."
    )


commands = _OutsideProject("cell_pipelines")
for _name in ("run", "registry", "catalog", "viz", "mlflow", "jupyter", "ipython"):
    commands.add_command(
        click.Command(
            _name,
            callback=_refuse,
            params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
            context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
            help="Only in a project's folder.",
            hidden=True,
        )
    )
