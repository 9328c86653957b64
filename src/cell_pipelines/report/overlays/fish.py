"""Nuclei of a FISH image outlined, their signals circled, and the pattern of each written beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.overlays.display import to_display
from cell_pipelines.report.overlays.drawing import Pen, line_width
from cell_pipelines.report.overlays.legends import LegendEntry, add_legend
from cell_pipelines.report.overlays.outlines import draw_outlines
from cell_pipelines.report.palette import CASING, FALSE_POSITIVE, INK, TRUE_POSITIVE, Colour
from cell_pipelines.typing import ByteImage, LabelImage

_PENS: Final = {"whole": Pen(TRUE_POSITIVE), "destroyed": Pen(FALSE_POSITIVE, dashed=True)}
_CIRCLES: Final[dict[str, Colour]] = {"red": (255, 96, 84), "green": (112, 255, 140)}
_REJECTED: Final[Colour] = (176, 182, 190)
_NAMES: Final = {"red": "red: circle with a tick", "green": "green: circle without"}
_LEAST_SIDE: Final = 900  # pixels; circles of smaller images would run into each other
_FONT: Final = 0  # OpenCV's sans serif
_DIRECTIONS: Final = 16  # around a nucleus, in which a place for its pattern is looked for


def overlay_fish(
    image: Image,
    labels: LabelImage,
    nuclei: pd.DataFrame,
    signals: pd.DataFrame,
    *,
    rejected: pd.DataFrame | None = None,
) -> ByteImage:
    """Draw nuclei and signals as figure 3 of Trykin (2023) does, distinct without colour, too.

    Whole nuclei have a green outline, destroyed ones a dashed red one. Signals lie in dotted circles in their colour;
    that of a red one has a tick at its upper right. The pattern, red:green, stands beside the nucleus, where it covers
    neither nuclei nor other patterns if there is room.

    Args:
        image: (H, W, 3) RGB, unsigned integer or float. An image below 900 pixels is enlarged; it is stretched for
            display only.
        labels: (H, W) int32, 0 is background.
        nuclei: One row per nucleus: `nucleus` (label), `category` (whole or destroyed), `pattern`; an empty pattern is
            not written.
        signals: One row per signal: `channel` (red or green), `row`, `column` in pixels; with a column `kept`, only the
            kept ones are circled.
        rejected: Candidates that were left out, `row` and `column`, as small grey crosses; with a column `kept`, only
            those not kept. None draws none.

    Returns:
        (H', W', 3) uint8 RGB, a new array: the image at the upper left, and below it the legend with the numbers.

    Raises:
        ValueError: If labels and image differ in size, or a nucleus has no known category.
    """
    if labels.shape != image.shape[:2]:
        raise ValueError(f"`labels` must have the image's height and width {image.shape[:2]}, got {labels.shape}.")
    pens = _pens(nuclei, int(labels.max(initial=0)))
    factor = max(1, -(-_LEAST_SIDE // max(image.shape[:2])))
    canvas, larger = _enlarge(to_display(image), factor), _enlarge(labels, factor)
    width = line_width(canvas.shape)
    drawn = draw_outlines(canvas, larger, pens, width=width)
    left_out = _left_out(rejected)
    for row, column in _places(left_out, factor):
        _draw_cross(drawn, row, column, reach=2 * width + factor)
    kept = signals[signals["kept"]] if "kept" in signals.columns else signals
    for channel in _CIRCLES:
        for row, column in _places(kept[(kept["channel"] == channel).to_numpy(dtype=bool)], factor):
            _draw_circle(drawn, row, column, radius=4 * factor + width, channel=channel)
    _write_patterns(drawn, larger, nuclei)
    return add_legend(drawn, _legend(nuclei, kept, left_out if rejected is not None else None))


def _enlarge(image: npt.NDArray[Any], factor: int) -> npt.NDArray[Any]:
    return np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)


def _pens(nuclei: pd.DataFrame, highest: int) -> list[Pen | None]:
    strange = sorted(set(nuclei["category"]) - set(_PENS))
    if strange:
        raise ValueError(f"`nuclei` must have the categories {', '.join(_PENS)}, got {', '.join(map(str, strange))}.")
    pens: list[Pen | None] = [None] * max(highest, int(nuclei["nucleus"].max()) if len(nuclei) else 0)
    for nucleus, category in zip(nuclei["nucleus"].tolist(), nuclei["category"], strict=True):
        pens[nucleus - 1] = _PENS[category]
    return pens


def _left_out(rejected: pd.DataFrame | None) -> pd.DataFrame:
    if rejected is None:
        return pd.DataFrame({"row": [], "column": []})
    return rejected[~rejected["kept"]] if "kept" in rejected.columns else rejected


def _places(table: pd.DataFrame, factor: int) -> Iterator[tuple[float, float]]:
    """Yield the row and column of each spot in the enlarged image."""
    for row, column in table[["row", "column"]].itertuples(index=False, name=None):
        yield (row + 0.5) * factor - 0.5, (column + 0.5) * factor - 0.5


def _draw_circle(canvas: ByteImage, row: float, column: float, *, radius: int, channel: str) -> None:
    """Paint a dotted circle, and the tick of a red one, onto the canvas `overlay_fish` has made for itself."""
    import cv2

    colour, dot = _CIRCLES[channel], max(1, radius // 8)
    angles = np.linspace(0.0, 2.0 * np.pi, max(8, round(2 * np.pi * radius / (4 * dot))), endpoint=False)
    dots = np.stack([column + radius * np.cos(angles), row + radius * np.sin(angles)], axis=1).round().astype(int)
    for wider, paint in ((1, CASING), (0, colour)):
        for x, y in dots.tolist():
            cv2.circle(canvas, (x, y), dot + wider, paint, -1)
        if channel == "red":
            ends = [(round(column + part * radius), round(row - part * radius)) for part in (0.8, 1.35)]
            cv2.line(canvas, ends[0], ends[1], paint, dot + 2 * wider + 1)


def _draw_cross(canvas: ByteImage, row: float, column: float, *, reach: int) -> None:
    import cv2

    x, y = round(column), round(row)
    for sign in (-1, 1):
        cv2.line(canvas, (x - reach, y - sign * reach), (x + reach, y + sign * reach), _REJECTED, 1, cv2.LINE_AA)


def _write_patterns(canvas: ByteImage, labels: LabelImage, nuclei: pd.DataFrame) -> None:
    """Write the pattern of each nucleus where it covers least."""
    import cv2
    from scipy import ndimage

    scale = max(0.45, max(canvas.shape[:2]) / 1500)
    windows = ndimage.find_objects(labels)
    taken = np.asarray(labels > 0)
    for nucleus, pattern in zip(nuclei["nucleus"].tolist(), nuclei["pattern"], strict=True):
        window = windows[nucleus - 1] if nucleus <= len(windows) else None
        if not pattern or window is None:
            continue
        (length, height), below = cv2.getTextSize(pattern, _FONT, scale, 1)
        size = (height + below + 4, length + 4)
        top, left = _find_room(taken, window, size)
        taken[top : top + size[0], left : left + size[1]] = True
        foot = (left + 2, top + height + 2)
        for thickness, colour in ((4, CASING), (1, INK)):
            cv2.putText(canvas, pattern, foot, _FONT, scale, colour, thickness, cv2.LINE_AA)


def _find_room(taken: npt.NDArray[np.bool_], window: tuple[slice, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Give the corner of a place beside a nucleus that covers least of what is taken, the nearest of equals."""
    low, high = np.array([side.start for side in window]), np.array([side.stop for side in window])
    centre, half = (low + high) / 2, (high - low) / 2
    angles = np.linspace(0.0, 2.0 * np.pi, _DIRECTIONS, endpoint=False)
    best, corner = np.inf, (0, 0)
    for near in (0.75, 1.0, 1.2, 1.5):
        for angle in angles:
            away = np.array([-np.sin(angle), np.cos(angle)]) * (near * half + 0.55 * np.array(size))
            place = np.clip((centre + away - np.array(size) / 2).round().astype(int), 0, np.array(taken.shape) - size)
            top, left = (max(int(value), 0) for value in place)
            covered = float(np.count_nonzero(taken[top : top + size[0], left : left + size[1]]))
            if covered < best:
                best, corner = covered, (top, left)
        if best == 0:
            break
    return corner


def _legend(nuclei: pd.DataFrame, signals: pd.DataFrame, left_out: pd.DataFrame | None) -> list[LegendEntry]:
    entries = [LegendEntry(pen, f"{name} nuclei {_count(nuclei, 'category', name)}") for name, pen in _PENS.items()]
    entries += [
        LegendEntry(Pen(colour), f"{_NAMES[channel]} {_count(signals, 'channel', channel)}")
        for channel, colour in _CIRCLES.items()
    ]
    if left_out is not None:
        entries.append(LegendEntry(Pen(_REJECTED), f"left out: grey cross {len(left_out)}"))
    return [*entries, LegendEntry(None, "pattern = red:green")]


def _count(table: pd.DataFrame, column: str, value: Any) -> int:
    return int((table[column] == value).sum())
