"""Count the cells of images, print the counts, and write them with the cells, annotations and overlays."""

from pathlib import Path

import click

from cell_pipelines.commands.options import counting, model

# What they say of each image stands in the table, which this command prints.
_IN_THE_TABLE = tuple(f"cell_pipelines.workflows.{name}" for name in ("counting", "count_intervals", "scoring"))


@click.command()
@click.argument("images", nargs=-1, required=True)
@model
@click.option("--out", type=Path, help="A new folder for the results; else `counts_…` in this folder.")
@counting
@click.option(
    "--regions", type=Path,
    help="Annotated regions (QuPath's GeoJSON, ImageJ's ROIs and others) in which cells are counted besides.",
)  # fmt: skip
@click.option("--format", default="coco", show_default=True, help="Format of the annotations; another word lists all.")
@click.option("--overlays/--no-overlays", default=True, help="Draw every image with its cells.")
def count(
    images: tuple[str, ...], model: str, out: Path | None, overlays: bool, format: str, **settings: object
) -> None:
    """Count the cells of IMAGES: files, folders that are searched at any depth, or patterns such as "cells/*.tif".

    Prints the counts, and where the tables, the page, the annotations and the overlays are.
    """
    from cell_pipelines import api
    from cell_pipelines.commands.output import name_of, output_folder, print_files, print_table
    from cell_pipelines.failures import MistakeError
    from cell_pipelines.quiet_loggers import quiet_loggers
    from cell_pipelines.workflows.count_result import FILES
    from cell_pipelines.workflows.outputs import check_format
    from cell_pipelines.workflows.regions import describe_regions, shown_regions
    from cell_pipelines.workflows.stacks import describe_stacks, shown_stacks

    check_format(format)
    folder = output_folder(out, f"counts_{name_of(images)}", images)
    with quiet_loggers(*_IN_THE_TABLE):
        result = api.count(images, model, **settings)  # type: ignore[arg-type]
    result.save(folder, format=format, overlays=overlays)
    print_table(result.shown_table(), notes=("warning", "left_out", "error"))
    if (folders := result.folders) is not None:
        print_table(folders)
    if result.in_regions is not None:
        print_table(shown_regions(result.in_regions))
        click.echo("\n".join(describe_regions(result.in_regions)))
    if result.stacks is not None:
        print_table(shown_stacks(result.stacks))
        click.echo("\n".join(describe_stacks(result.stacks)))
    for note in filter(None, dict.fromkeys(result.table["interval_note"].dropna())):
        click.echo(f"! {note}")
    click.echo(repr(result).splitlines()[0])
    print_files(folder, FILES)
    if len(failed := result.failed):
        raise MistakeError(f"{len(failed)} of {len(result.table)} images can't be read; the others are counted.")
