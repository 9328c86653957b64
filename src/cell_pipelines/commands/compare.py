"""Compare models on annotated images."""

from pathlib import Path

import click

from cell_pipelines.commands.options import annotation_format, diameter, pixel_size, selection, split


@click.command()
@click.argument("images", type=str)
@click.argument("annotations", type=Path)
@click.option("--model", "models", multiple=True, required=True, help="As of `count`; once for each model.")
@click.option("--out", type=Path, help="A new folder for the results; else `comparison_…` in this folder.")
@annotation_format
@split
@diameter
@pixel_size
@selection
def compare(
    images: str,
    annotations: Path,
    models: tuple[str, ...],
    out: Path | None,
    annotation_format: str,
    **settings: object,
) -> None:  # fmt: skip
    """Compare models on IMAGES with ANNOTATIONS, in any format.

    Prints one row per model with intervals, what paired tests (with Holm's correction) say, and where the page is.
    """
    from cell_pipelines import api
    from cell_pipelines.commands.output import name_of, output_folder, print_files, print_table

    folder = output_folder(out, f"comparison_{name_of([images])}", [images])
    result = api.compare(images, annotations, models, format=annotation_format, **settings)  # type: ignore[arg-type]
    result.save(folder)
    print_table(result.summary())
    for sentence in result.sentences():
        click.echo(sentence)
    print_files(folder, {"report.html": "page", "tables.xlsx": "all tables", "tests.csv": "tests"})
