"""The command `cell-pipelines`: each of its commands is a module of this package, imported when it is called."""

import copy
import importlib
import logging
import sys
from pathlib import Path
from typing import Any

import click

from cell_pipelines import __version__

#: For each command its module in this package, which has a click command of that name, and one line about it.
COMMANDS = {
    "count": "Count the cells of images.",
    "plates": "Evaluate plates: wells, controls, dose-response and hits from counts.",
    "train": "Train a model on own images and annotations.",
    "evaluate": "Evaluate a model on annotated images.",
    "compare": "Compare models on annotated images.",
    "convert": "Convert annotations from any format into any other.",
    "export": "Write a model for other programs: ONNX, TorchScript, OpenVINO, BioImage.IO.",
    "app": "Serve a web page to count cells on, correct them and train.",
    "run": "Run a pipeline of the project in this folder, as `kedro run` does.",
    "crate": "Write a run with its results as an RO-Crate, for archives and for other people.",
    "reproduce": "Run again what a run has run, and compare the results.",
    "fetch": "Fetch public images with annotations, to try things out on.",
}
# Options of `run`, which was all there was to `cell-pipelines`.
_RUN_OPTIONS = (
    "--env", "-e", "--pipeline", "--pipelines", "-p", "--params", "--conf-source", "--nodes", "-n", "--tags", "-t",
    "--from-nodes", "--to-nodes", "--from-inputs", "--to-outputs", "--runner", "-r", "--config", "-c", "--dry-run",
    "--async", "--load-versions", "-lv", "--namespaces", "-ns", "--only-missing-outputs",
)  # fmt: skip


# Exit status after Ctrl-C and after a signal that asks to end, and what is said then.
_SIGNALLED = (130, 143, 129)
_NOTHING_LEFT = ": nothing half written is left."
_INTERRUPTED = {
    "fetch": "; the same command goes on where it stopped.",
    "train": "; where the study was written already, `train --continue --name NAME` goes on with it.",
    "run": ".",
}


class _Mistake(click.ClickException):
    """A user's mistake: one sentence and exit status 2."""

    exit_code = 2


def _be_verbose(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value:
        ctx.find_root().meta["verbose"] = True
    return value


_VERBOSE = click.Option(
    ["--verbose"], is_flag=True, expose_value=False, callback=_be_verbose, is_eager=True,
    help="Log what is done, and show the traceback of an error.",
)  # fmt: skip


class _Commands(click.Group):
    """Commands that are imported when they are called; what they raise ends in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name}")
        command: click.Command = copy.copy(getattr(module, cmd_name))
        command.params = [*command.params, _VERBOSE]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS:
            raise _unknown(args[0])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].split("=")[0] in _RUN_OPTIONS:
            click.echo(f"`cell-pipelines {args[0]} …` is now called `cell-pipelines run {args[0]} …`.", err=True)
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        Raises:
            click.ClickException: What went wrong, in one sentence; exit status 2 for a mistake and 1 for a fault.
        """
        from cell_pipelines.termination import TerminationGuard

        guard = TerminationGuard(_mark_nothing)
        guard.install()
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, SystemExit) as error:
            status = 130 if isinstance(error, KeyboardInterrupt) else error.code
            if status in _SIGNALLED:
                click.echo(f"Interrupted{_INTERRUPTED.get(str(ctx.invoked_subcommand), _NOTHING_LEFT)}", err=True)
            ctx.exit(status if isinstance(status, int) else int(bool(status)))
        except click.NoSuchOption as error:
            raise _without_option(error) from error
        except click.ClickException as error:
            if error.__cause__ is not None and ctx.meta.get("verbose"):
                _show_traceback(error.__cause__)
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # whatever ends a command ends it in a sentence
            raise _to_message(error, verbose=bool(ctx.meta.get("verbose"))) from error
        finally:
            guard.remove()


def _mark_nothing() -> None:
    """Write nothing down: what a command writes is there whole or not at all."""


def _unknown(name: str) -> click.UsageError:
    import difflib

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return click.UsageError(f"there is no command `{name}`.{hint} Commands: {', '.join(COMMANDS)}.")


def _without_option(error: click.NoSuchOption) -> click.UsageError:
    """Return the error; where an argument was given as an option, as `--images`, with a sentence of its own."""
    command = error.ctx.command if error.ctx else None
    named = error.option_name.lstrip("-")
    arguments = [str(one.name) for one in command.params if isinstance(one, click.Argument)] if command else []
    if command is None or named not in arguments:
        return error
    words = " ".join(arguments).upper()
    return click.UsageError(f"{named} are named without `--{named}`: cell-pipelines {command.name} {words}", error.ctx)


def _show_traceback(error: BaseException) -> None:
    import traceback

    click.echo("".join(traceback.format_exception(error)), err=True)


def _to_message(error: Exception, *, verbose: bool) -> click.ClickException:
    from cell_pipelines.failures import describe, is_mistake, write_traceback

    if verbose:
        _show_traceback(error)
    sentence = describe(error)
    if is_mistake(error):
        return _Mistake(sentence)
    path = None if verbose else write_traceback(error, Path.home() / ".cache" / "cell_pipelines" / "logs")
    return click.ClickException(f"{sentence}\n(The traceback is in {path}.)" if path else sentence)


@click.command(
    cls=_Commands, params=[_VERBOSE], no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="cell-pipelines")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Count cells in microscopy images; train, evaluate and compare models; convert annotations."""
    level = logging.INFO if ctx.meta.get("verbose") else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
