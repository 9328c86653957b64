"""Evaluate a model on annotated images."""

from pathlib import Path

import click

from cell_pipelines.commands.options import (
    annotation_format,
    averaging,
    diameter,
    model,
    pixel_size,
    selection,
    split,
    threshold,
)


@click.command()
@click.argument("images", type=str)
@click.argument("annotations", type=Path)
@model
@click.option("--out", type=Path, help="A new folder for the results; else `evaluation_…` in this folder.")
@annotation_format
@split
@diameter
@pixel_size
@selection
@threshold
@averaging
def evaluate(
    images: str, annotations: Path, model: str, out: Path | None, annotation_format: str, **settings: object
) -> None:
    """Evaluate a model on IMAGES with ANNOTATIONS, in any format.

    Prints F1, precision, recall and count errors with 95 % intervals, and where the tables and the page are.
    """
    from cell_pipelines import api
    from cell_pipelines.commands.output import name_of, output_folder, print_files, print_table

    folder = output_folder(out, f"evaluation_{name_of([images])}", [images])
    result = api.evaluate(images, annotations, model, format=annotation_format, **settings)  # type: ignore[arg-type]
    result.save(folder)
    click.echo(result.sentence())
    print_table(result.summary())
    for note in result.notes:
        click.echo(f"! {note}")
    print_files(folder, {"report.html": "page", "tables.xlsx": "all tables", "classes.csv": "by class"})
