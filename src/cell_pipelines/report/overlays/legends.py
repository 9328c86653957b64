"""The slim strip under an image that says what each kind of box means and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.report.overlays.drawing import Pen, draw_boxes
from cell_pipelines.report.palette import (
    BACKGROUND,
    FALSE_POSITIVE,
    INK,
    MISSED,
    TRUE_POSITIVE,
    category_colour,
    category_is_dashed,
    to_hex,
)
from cell_pipelines.typing import ByteImage

_SMALLEST_LETTERS = 13  # pixels
_LONGEST_TEXT = 40  # letters
_DPI = 72.0  # one point is one pixel


@dataclass(frozen=True)
class LegendEntry:
    """One kind of box, a remark without one where `pen` is None."""

    pen: Pen | None
    text: str


def category_pen(category: int) -> Pen:
    """Return how the boxes of a category are drawn."""
    return Pen(category_colour(category), dashed=category_is_dashed(category))


MATCH_PENS = Pen(TRUE_POSITIVE), Pen(FALSE_POSITIVE, crossed=True), Pen(MISSED, dashed=True)


def match_legend(found: npt.NDArray[np.bool_], correct: npt.NDArray[np.bool_]) -> tuple[LegendEntry, ...]:
    """Return the legend of an image with its errors.

    Args:
        found: (N,) bool, whether each true cell was found.
        correct: (M,) bool, whether each prediction found a cell.

    Example:
        >>> [entry.text for entry in match_legend(np.array([True, False]), np.array([True]))]
        ['True positives 1', 'False positives 0', 'Missed 1']
    """
    right = int(np.count_nonzero(correct))
    counts = {"True positives": right, "False positives": len(correct) - right}
    counts["Missed"] = len(found) - int(np.count_nonzero(found))
    texts = (f"{label} {count}" for label, count in counts.items())
    return tuple(LegendEntry(pen, text) for pen, text in zip(MATCH_PENS, texts, strict=True))


def category_legend(categories: npt.NDArray[np.int64], names: Sequence[str]) -> tuple[LegendEntry, ...]:
    """Return the legend of boxes coloured by category, a line for every name, also where it has no box.

    Args:
        categories: (N,) int, index into `names`.
        names: C names.

    Example:
        >>> [entry.text for entry in category_legend(np.array([1, 1]), ["red", "white"])]
        ['red 0', 'white 2']
    """
    counts = np.bincount(categories, minlength=len(names))
    shown = (f"{_shortened(name)} {count}" for name, count in zip(names, counts, strict=True))
    return tuple(LegendEntry(category_pen(category), text) for category, text in enumerate(shown))


def add_legend(image: ByteImage, entries: Sequence[LegendEntry]) -> ByteImage:
    """Put a legend under an image.

    Letters grow with the width of the image; entries that do not fit beside each other go on the next line.

    Args:
        image: (H, W, 3) uint8, RGB.
        entries: What to say; nothing is added if there is nothing.

    Returns:
        (H + h, W or more, 3) uint8, with `image` at the upper left and the strip below. It is wider than
        `image` only where a single entry is.
    """
    if not entries:
        return image.copy()
    letters = max(_SMALLEST_LETTERS, round(image.shape[1] / 46))
    widths = [_entry_width(entry, letters) for entry in entries]
    width = max(image.shape[1], max(widths) + 2 * letters)
    strip = _strip(entries, _places(widths, width, letters), (width, letters))
    padding = ((0, 0), (0, width - image.shape[1]), (0, 0))
    wide = np.pad(image, padding)
    wide[:, image.shape[1] :] = BACKGROUND
    return np.concatenate([wide, strip], axis=0)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_TEXT else f"{name[: _LONGEST_TEXT - 1]}…"


def _places(widths: Sequence[int], width: int, letters: int) -> list[tuple[int, int]]:
    """Return x in pixels and the line of each entry, filling lines from left to right."""
    places: list[tuple[int, int]] = []
    x, line = letters, 0
    for wanted in widths:
        if places and x + wanted + letters > width:
            x, line = letters, line + 1
        places.append((x, line))
        x += wanted + round(1.6 * letters)
    return places


def _strip(entries: Sequence[LegendEntry], places: Sequence[tuple[int, int]], size: tuple[int, int]) -> ByteImage:
    width, letters = size
    line_height = 2 * letters
    height = line_height * (places[-1][1] + 1) + letters // 2
    centres = [letters // 4 + line_height * line + line_height // 2 for _, line in places]
    starts = [x + _swatch_width(entry, letters) for entry, (x, _) in zip(entries, places, strict=True)]
    texts = [(x, y, entry.text) for x, y, entry in zip(starts, centres, entries, strict=True)]
    strip = _write(texts, (width, height), letters)
    half, corners = 0.45 * letters, zip(places, centres, strict=True)
    boxes = [(x + 0.1 * letters, y - half, x + 1.3 * letters, y + half) for (x, _), y in corners]
    pairs = [(box, entry.pen) for box, entry in zip(boxes, entries, strict=True) if entry.pen is not None]
    swatches = np.array([box for box, _ in pairs], dtype=np.float64).reshape(-1, 4)
    return draw_boxes(strip, swatches, [pen for _, pen in pairs], width=max(2, letters // 9))


def _swatch_width(entry: LegendEntry, letters: int) -> int:
    return 0 if entry.pen is None else round(2.1 * letters)


def _entry_width(entry: LegendEntry, letters: int) -> int:
    renderer = _canvas((1, 1)).get_renderer()
    width, _, _ = renderer.get_text_width_height_descent(entry.text, _font(letters), ismath=False)
    return _swatch_width(entry, letters) + int(np.ceil(width))


def _write(texts: Sequence[tuple[int, int, str]], size: tuple[int, int], letters: int) -> ByteImage:
    """Return a strip of (width, height) pixels with texts, each at its left x and central y."""
    canvas = _canvas(size)
    for x, y, text in texts:
        canvas.figure.text(
            x / size[0], 1 - y / size[1], text, color=to_hex(INK), fontproperties=_font(letters),
            va="center_baseline", parse_math=False,
        )  # fmt: skip
    canvas.draw()
    return np.array(np.asarray(canvas.buffer_rgba())[..., :3])


def _canvas(size: tuple[int, int]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    return FigureCanvasAgg(Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, facecolor=to_hex(BACKGROUND)))


def _font(letters: int) -> Any:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family="DejaVu Sans", size=letters)
