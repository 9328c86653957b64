"""The project's own ``kedro run``: Kedro's, with errors in one sentence and ``--dry-run`` for experiments."""

import difflib
import logging
import os
import traceback
from pathlib import Path
from typing import Any

import click
from kedro.config import OmegaConfigLoader
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import pipelines, settings
from kedro.utils import find_kedro_project
from kedro.validation import ParameterValidationError

from cell_pipelines.chosen_nodes import describe_selection
from cell_pipelines.command_parameters import parse_parameters
from cell_pipelines.failures import MISTAKE, MistakeError, describe, is_mistake, root_cause, write_traceback
from cell_pipelines.invalid_parameters import describe_invalid_parameters
from cell_pipelines.project import describe_outdated
from cell_pipelines.run_checks import check_runner
from cell_pipelines.termination import exit_status


@click.group()
def cli() -> None:
    """Commands of the project."""


class _Mistake(click.ClickException):
    """A user's mistake: one sentence and exit status 2."""

    exit_code = MISTAKE


class _Parameters(click.ParamType):  # type: ignore[type-arg]
    name = "name=value,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):  # of a file that --config names
            return value
        try:
            return parse_parameters(value)
        except MistakeError as error:
            self.fail(str(error), param, ctx)


def _run(*, dry_run: bool, verbose: bool, params: dict[str, Any], **options: Any) -> Any:
    if verbose:
        logging.getLogger("kedro").setLevel(logging.INFO)
        logging.getLogger("cell_pipelines").setLevel(logging.DEBUG)
    given = {**params, "dry_run": True} if dry_run else params
    callback = kedro_run.callback
    if callback is None:
        raise click.ClickException("Kedro's own run command has no function; the installed Kedro is another one.")
    project = Path(find_kedro_project(Path.cwd()) or Path.cwd())
    source = Path(options.get("conf_source") or project / settings.CONF_SOURCE)
    if warning := describe_outdated(project):
        click.echo(f"! {warning}", err=True)
    try:
        _check_study(options.get("env"), source)
        is_async = options.get("is_async") or (options.get("runner_params") or {}).get("is_async")
        check_runner(options.get("runner"), is_async=bool(is_async))
        with exit_status():
            return callback(params=given, **options)
    except click.ClickException:
        raise
    except Exception as error:  # whatever ends a run ends it in a sentence
        if verbose:
            traceback.print_exception(error)
        raise _to_message(error, project, source, options.get("env"), given) from error


def _check_study(environment: str | None, source: Path) -> None:
    """Refuse a study that has no folder.

    Raises:
        MistakeError: There is none of that name; the text lists those that there are.
    """
    name = environment or os.environ.get("KEDRO_ENV")
    if not name or not source.is_dir() or (source / name).is_dir():
        return
    studies = sorted(p.name for p in source.iterdir() if p.is_dir() and p.name not in ("base", "local"))
    close = difflib.get_close_matches(name, studies, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    raise MistakeError(f"there is no study `{name}` in {source}.{hint} Studies: {', '.join(studies)}.")


def _to_message(
    error: Exception, project: Path, source: Path, environment: str | None, parameters: dict[str, Any]
) -> click.ClickException:
    """Return what ends the command: one sentence, exit status 2 for a user's mistake and 1 for a fault."""
    if isinstance(error, ParameterValidationError):
        loader = OmegaConfigLoader(
            conf_source=str(source), env=environment, runtime_params=parameters, **settings.CONFIG_LOADER_ARGS
        )
        sentence = describe_invalid_parameters(loader["parameters"], dict(pipelines)) or describe(error)
    elif str(error).startswith("Failed to find the pipeline named"):
        sentence = _describe_unknown_pipeline(str(root_cause(error)))
    else:
        sentence = describe_selection(root_cause(error), dict(pipelines)) or describe(error)
    path = write_traceback(error, project / "logs")
    if sentence != describe(error) or is_mistake(error):
        return _Mistake(sentence)
    return click.ClickException(f"{sentence}\n(The traceback is in {path}.)" if path else sentence)


def _describe_unknown_pipeline(text: str) -> str:
    name = text.split("'")[1]
    close = difflib.get_close_matches(name, sorted(pipelines), n=3)
    hint = f"did you mean {' or '.join(f'`{other}`' for other in close)}? " if close else ""
    return f"there is no pipeline `{name}`; {hint}`kedro registry list` names all."


_DRY_RUN = click.Option(["--dry-run"], is_flag=True, help="List an experiment's trials with time and memory only.")
_VERBOSE = click.Option(["--verbose"], is_flag=True, help="Log every node and every epoch; show tracebacks.")
_PARAMS = click.Option(
    ["--params"],
    type=_Parameters(),
    default="",
    help="Parameters as name=value, separated by commas: --params=yolo.epochs=50,images=/my/cells.",
)
_OPTIONS = [option for option in kedro_run.params if option.name != "params"]

run = click.Command("run", callback=_run, params=[*_OPTIONS, _PARAMS, _DRY_RUN, _VERBOSE], help=kedro_run.help)
cli.add_command(run)
