"""Options that several commands have."""

import math
import re
from collections.abc import Callable
from typing import Any

import click

_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")


class _Channels(click.ParamType):  # type: ignore[type-arg]
    """A channel by its number or name, or several with commas between them."""

    name = "number or name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(int(word) if word.strip().isdigit() else word.strip() for word in value.split(","))


class _Place(click.ParamType):  # type: ignore[type-arg]
    """A number from 0, or one of some words."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self.name = "|".join(["number", *words])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value).strip().lower()
        if text not in self._words and not text.isdigit():
            wanted = f"{', '.join(['a number from 0', *self._words[:-1]])} or {self._words[-1]}"
            self.fail(f"expected {wanted}, got {value!r}.", param, ctx)
        return text if text in self._words else int(text)


class Decimal(click.ParamType):  # type: ignore[type-arg]
    """A number with a point or a comma, not below a least one where there is one.

    ``4,000`` is refused: in some languages it is four, in others four thousand.
    """

    name = "float"

    def __init__(self, example: str, least: float | None = None) -> None:
        self._example, self._least = example, least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or say what was expected."""
        try:
            number = float(str(value).replace(",", ".", 1))
        except ValueError:
            number = math.nan
        if _THOUSANDS.fullmatch(str(value)) or not math.isfinite(number):
            self.fail(f"expected a number such as {self._example}, got {value!r}.", param, ctx)
        if self._least is not None and number < self._least:
            self.fail(f"expected a number of {self._least} or more, got {value!r}.", param, ctx)
        return number


class Whole(click.IntRange):
    """A whole number in a range; what is none is called so in a sentence."""

    name = "whole number"


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
_channel = click.option(
    "--channel",
    "--channels",
    "channel",
    type=_Channels(),
    help="Of files with several, from 0 or by name; several as 0,2.",
)
_z = click.option(
    "--z", type=_Place("max", "mean", "each"),
    help="Of files with several depths, from 0; over all of them; or every one, linked to objects.",
)  # fmt: skip
_time = click.option(
    "--time", type=_Place("each"), help="Of files with several time points, from 0; or every one as an image."
)
averaging = click.option(
    "--test-time-augmentation",
    is_flag=True,
    help="Average a network over eight turns and mirror images, 8 times the cost.",
)
engine = click.option(
    "--engine", default="pytorch", show_default=True,
    help="Library that runs a network: pytorch, onnxruntime, openvino, or auto for the fastest with the same counts.",
)  # fmt: skip
workers = click.option(
    "--workers", type=Whole(min=1), default=1, show_default=True,
    help="Processes among which the images are divided; each loads the model.",
)  # fmt: skip
threshold = click.option(
    "--threshold", type=Decimal("0.5"), help="Least score of a cell, 0 to 1; else the model's own."
)


def selection(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to take of a file that holds more than one image."""
    return _channel(_z(_time(command)))


annotation_format = click.option(
    "--annotation-format", default="auto", show_default=True, help="Format of the annotations; auto recognises it."
)
split = click.option(
    "--split", help="Evaluate only train, val or test images, where the annotations state which these are."
)


def counting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how cells of images are found and counted, but for the model."""
    for option in (workers, engine, averaging, threshold, selection, pixel_size, diameter):
        command = option(command)
    return command
