"""Run again what a run has run, and compare the results."""

from pathlib import Path

import click

# Exit status; 2 is that of a mistake in the command.
_NOTHING_COMPARED = 3


@click.command()
@click.argument("run_id")
@click.option("--out", type=Path, help="A new folder for the results; else `reproduction_…` in this folder.")
@click.pass_context
def reproduce(ctx: click.Context, run_id: str, out: Path | None) -> None:
    """Run again what the run RUN_ID of MLflow has run, and compare metrics and tables.

    Code and configuration are those of the run, by its commit where need be; the results of the run stay as they are.
    The exit status is 0 where all numbers are the same, 1 where one is not, with what may explain it, and 3 where the
    run has none to compare.
    """
    from cell_pipelines.workflows.outputs import check_new_folder

    folder = check_new_folder(out or Path(f"reproduction_{run_id[:8]}"))
    from cell_pipelines.commands.output import print_table
    from cell_pipelines.reproduction.repeating import DIFFERENCES, repeat  # seconds, after the check
    from cell_pipelines.run_reading import current_store, read_run

    with current_store() as project:
        comparison = repeat(read_run(run_id), project, folder, click.echo)
    if comparison.is_empty:
        ctx.exit(_NOTHING_COMPARED)
    if comparison.is_equal:
        click.echo("Equal: every metric and every table is the same to the last digit.")
        return
    print_table(comparison.differences[["result", "column", "differing", "of", "difference"]])
    click.echo(f"    differences: {folder / DIFFERENCES}")
    ctx.exit(1)
