"""Convert annotations from any format into any other."""

from pathlib import Path

import click

_MOST_FINDINGS = 10


@click.command()
@click.argument("source", type=Path)
@click.argument("destination", type=Path)
@click.option("--format", required=True, help="Format to write, such as coco or yolo; another word lists all.")
@click.option("--images", help="The images that are annotated; without it they lie beside the annotations.")
@click.option("--source-format", default="auto", show_default=True, help="Format to read; auto recognises it.")
def convert(source: Path, destination: Path, format: str, images: str | None, source_format: str) -> None:
    """Convert the annotations in SOURCE, a folder or a file, into the new folder DESTINATION.

    Prints what was read and written, and what was dropped or changed: all of it is in DESTINATION_findings.csv.
    """
    from cell_pipelines import api
    from cell_pipelines.failures import MistakeError
    from cell_pipelines.workflows.outputs import write_csv

    listed = destination.expanduser().absolute().with_name(f"{destination.name}_findings.csv")
    if listed.exists():
        raise MistakeError(f"{listed}: this list of findings would be written over; name another destination.")
    result = api.convert(source, destination, format, images=images, source_format=source_format)
    click.echo(result.sentence())
    for finding in result.findings[:_MOST_FINDINGS]:
        click.echo(f"! {finding.sentence()}")
    if result.findings:
        write_csv(result.table, listed)
        click.echo(f"   all findings: {listed}")
    click.echo(f"    annotations: {result.folder}")
