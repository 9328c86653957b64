"""Write a trained model for other programs."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("model")
@click.option("--format", default="onnx", show_default=True, help="onnx, torchscript, openvino or bioimageio.")
@click.option("--out", type=Path, help="A new file; else one in this folder, called as the model.")
@click.option("--image", type=Path, help="Of bioimageio: cut the test image from this one; else one is generated.")
@click.option("--license", "licence", help="Of bioimageio: SPDX identifier of the weights' licence, such as CC-BY-4.0.")
@click.option("--author", "authors", multiple=True, help="Of bioimageio: a person's name; once for each.")
@click.option("--description", help="Of bioimageio: what the model is for.")
def export(model: str, format: str, out: Path | None, **package: Any) -> None:
    """Write MODEL, a starter, model file or study/model, in a format of other programs.

    The file is run and compared with PyTorch before it is kept.
    """
    from cell_pipelines import api

    result = api.export_model(model, out, format=format, **package)
    click.echo(result.sentence())
    for path in result.files:
        click.echo(f"    file: {path}")
