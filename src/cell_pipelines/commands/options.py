"""Options that several commands have."""

from typing import Any

import click


class _Channels(click.ParamType):  # type: ignore[type-arg]
    """A channel by its number or name, or several with commas between them."""

    name = "number or name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(int(word) if word.strip().isdigit() else word.strip() for word in value.split(","))


model = click.option(
    "--model", default="nuclei", show_default=True,
    help="Name of a starter, path of a model file, or study/model in the folder of a project.",
)  # fmt: skip
diameter = click.option(
    "--diameter", help="Of a cell in pixels (30), in micrometres (12um), or auto; without it, what the model knows."
)
pixel_size = click.option(
    "--pixel-size", help="Micrometres per pixel (0.325) of images whose files don't say; for lengths and areas in µm."
)
channel = click.option("--channel", type=_Channels(), help="Of files with several, from 0 or by name; several as 0,2.")
threshold = click.option("--threshold", type=float, help="Least score of a cell, 0 to 1; else the model's own.")

annotation_format = click.option(
    "--annotation-format", default="auto", show_default=True, help="Format of the annotations; auto recognises it."
)
split = click.option(
    "--split", help="Evaluate only train, val or test images, where the annotations state which these are."
)
