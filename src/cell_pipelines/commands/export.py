"""Write a trained model for other programs."""

from pathlib import Path

import click


@click.command()
@click.argument("model")
@click.option("--format", default="onnx", show_default=True, help="onnx, torchscript or openvino.")
@click.option("--out", type=Path, help="A new file; else one in this folder, called as the model.")
def export(model: str, format: str, out: Path | None) -> None:
    """Write MODEL, a starter, model file or study/model, in a format of other programs.

    The file is run and compared with PyTorch before it is kept.
    """
    from cell_pipelines import api

    result = api.export_model(model, out, format=format)
    click.echo(result.sentence())
    for path in result.files:
        click.echo(f"    file: {path}")
