"""Drawing boxes as frames that differ in colour and in shape, with every pixel where it belongs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.report.palette import CASING, Colour
from cell_pipelines.typing import ByteImage

_Corners = tuple[int, int, int, int]


@dataclass(frozen=True)
class Pen:
    """Style of a box.

    Attributes:
        colour: RGB, each 0 to 255.
        dashed: A broken line; its corners are always drawn.
        crossed: A cross on the upper right corner.
    """

    colour: Colour
    dashed: bool = False
    crossed: bool = False


def line_width(shape: tuple[int, ...]) -> int:
    """Return how thick lines must be, in pixels, to be seen when a whole image of `shape` is looked at."""
    return max(2, round(max(shape[:2]) / 500))


def draw_boxes(canvas: ByteImage, boxes: npt.NDArray[np.float64], pens: Sequence[Pen], *, width: int) -> ByteImage:
    """Draw frames around boxes.

    A frame lies on the outermost pixels of its box and grows outwards, so that it covers the cell's
    surroundings rather than the cell. At the border of the image, where there is no outside, it grows
    inwards. A thin dark rim keeps it apart from a bright image.

    Args:
        canvas: (H, W, 3) uint8, RGB.
        boxes: (N, 4) float, x_min, y_min, x_max, y_max in pixel edges. What lies outside the canvas is cut
            off, a box that is wholly outside is not drawn.
        pens: N pens.
        width: Thickness of the line in pixels, 1 or more.

    Returns:
        (H, W, 3) uint8, a new array. Later boxes lie above earlier ones, lines above all rims.
    """
    drawn = canvas.copy()
    frames = [(_corners(box, canvas.shape, width), pen) for box, pen in zip(boxes, pens, strict=True)]
    visible = [(corners, pen) for corners, pen in frames if corners is not None]
    rim = max(1, width // 3)
    for corners, pen in visible:
        _fill(drawn, _sides(_grown(corners, rim), width + rim), CASING)
        paint_cross(drawn, corners, pen, width=width, rim=rim)
    for corners, pen in visible:
        pieces = _dashes(corners, width) if pen.dashed else _sides(corners, width)
        _fill(drawn, pieces, pen.colour)
        paint_cross(drawn, corners, pen, width=width)
    return drawn


def _corners(box: npt.NDArray[np.float64], shape: tuple[int, ...], width: int) -> _Corners | None:
    """Return the outer corners of a frame as whole pixel edges, None for a box outside the canvas."""
    height, length = shape[:2]
    x_min, y_min = np.floor(box[:2])
    x_max, y_max = np.ceil(box[2:])
    if x_min >= length or y_min >= height or x_max <= 0 or y_max <= 0:
        return None
    out = width - 1
    low = max(int(x_min) - out, 0), max(int(y_min) - out, 0)
    return *low, min(int(x_max) + out, length), min(int(y_max) + out, height)


def _grown(corners: _Corners, by: int) -> _Corners:
    x_min, y_min, x_max, y_max = corners
    return x_min - by, y_min - by, x_max + by, y_max + by


def _sides(corners: _Corners, width: int) -> Iterator[_Corners]:
    x_min, y_min, x_max, y_max = corners
    yield x_min, y_min, x_max, y_min + width
    yield x_min, y_max - width, x_max, y_max
    yield x_min, y_min, x_min + width, y_max
    yield x_max - width, y_min, x_max, y_max


def _dashes(corners: _Corners, width: int) -> Iterator[_Corners]:
    x_min, y_min, x_max, y_max = corners
    for start, stop in _strokes(x_min, x_max, width):
        yield start, y_min, stop, y_min + width
        yield start, y_max - width, stop, y_max
    for start, stop in _strokes(y_min, y_max, width):
        yield x_min, start, x_min + width, stop
        yield x_max - width, start, x_max, stop


def _strokes(start: int, stop: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut a side into an odd number of pieces, at least three, and return every other: both ends are drawn."""
    pieces = max(1, round((stop - start) / (4 * width) / 2)) * 2 + 1
    edges = np.linspace(start, stop, pieces + 1).round().astype(int)
    for piece in range(0, pieces, 2):
        yield int(edges[piece]), int(edges[piece + 1])


def _fill(canvas: ByteImage, pieces: Iterator[_Corners], colour: Colour) -> None:
    """Paint rectangles onto the array `draw_boxes` has made for itself."""
    for x_min, y_min, x_max, y_max in pieces:
        canvas[max(y_min, 0) : max(y_max, 0), max(x_min, 0) : max(x_max, 0)] = colour


def paint_cross(canvas: ByteImage, corners: _Corners, pen: Pen, *, width: int, rim: int = 0) -> None:
    """Paint a cross on the upper right corner, moved into the canvas, `rim` pixels wider in the rim's colour.

    Pens that are not crossed paint nothing. The canvas is changed: it must be the caller's own.
    """
    if not pen.crossed:
        return
    import cv2

    arm = 2 * width + 1
    x = int(np.clip(corners[2] - width / 2, arm, max(canvas.shape[1] - arm - 1, arm)))
    y = int(np.clip(corners[1] + width / 2, arm, max(canvas.shape[0] - arm - 1, arm)))
    colour = CASING if rim else pen.colour
    for sign in (-1, 1):
        ends = (x - arm, y - sign * arm), (x + arm, y + sign * arm)
        cv2.line(canvas, *ends, colour, width + 2 * rim, cv2.LINE_AA)
