"""Panels side by side: one image as several models see it, and one image from its scores to its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import crop
from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.figures.panels import count_of
from cell_pipelines.report.overlays.display import enlarge, to_display
from cell_pipelines.report.overlays.drawing import Pen, draw_boxes, line_width
from cell_pipelines.report.overlays.instances import draw_objects
from cell_pipelines.report.overlays.legends import LegendEntry, add_legend, category_pen
from cell_pipelines.report.overlays.outlines import draw_outlines
from cell_pipelines.report.palette import BACKGROUND, INK
from cell_pipelines.typing import ByteImage, LabelImage

Window = tuple[int, int, int, int]
_Value = TypeVar("_Value", bound=np.generic)

_GAP = 8  # pixels between panels
_LONGEST_NAME = 28  # letters


def panel_strip(
    image: Image,
    truth: AnnotationSet,
    predictions: Mapping[str, AnnotationSet],
    *,
    side: int = 400,
    columns: int = 4,
    detail: int = 100,
) -> ByteImage:
    """Draw one image, its truth and what each model predicts side by side.

    Args:
        image: (H, W) or (H, W, 3) RGB, uint8; stretched for display only.
        truth: The true objects of this image.
        predictions: For each model the objects it predicts in this image, already cut off at its threshold.
        side: Of a larger image only the window of this side with the most true cells is shown, in pixels.
        columns: Panels in a row, 1 or more.
        detail: Side in pixels of the square with the most true cells that stands enlarged below each panel, framed in
            white above; 0 for none. It is left out where the window is not at least twice as large.

    Returns:
        (H', W', 3) uint8 RGB: the image, the truth and one panel per model, each with its name and number of cells
        below. Masks and polygons are outlines, boxes are frames; colours tell categories.

    Raises:
        ValueError: If a set holds another number of images than one, or one of another size.
    """
    for name, objects in (("truth", truth), *predictions.items()):
        _check_one(objects, name, image)
    window = busiest_window(image.shape[:2], truth.boxes, side)
    inner = _detail_window(window, truth, detail)
    panels = [(_with_detail(image, None, window, inner), "image")]
    for name, objects in (("truth", truth), *predictions.items()):
        caption = f"{_shortened(name)}: {count_of(crop(objects, window, 'window').n_objects, 'cell')}"
        panels.append((_with_detail(image, objects, window, inner), caption))
    return join_panels(panels, columns=columns)


def _detail_window(window: Window, truth: AnnotationSet, detail: int) -> Window | None:
    """Return the part of the image to be enlarged, within the window; None where the window is small already."""
    top, left, height, width = window
    if not 0 < 2 * detail <= min(height, width):
        return None
    seen = crop(truth, window, "window")
    inner_top, inner_left, *size = busiest_window((height, width), seen.boxes, detail)
    return top + inner_top, left + inner_left, size[0], size[1]


def _with_detail(image: Image, objects: AnnotationSet | None, window: Window, inner: Window | None) -> ByteImage:
    """Draw objects on a window of the image, and below it on a part of that, enlarged to the same width."""
    drawn, factor = _drawn(image, objects, window, 1)
    if inner is None:
        return drawn
    enlarged, _ = _drawn(image, objects, inner, window[3] * factor // inner[3])
    top, left = (factor * (inner[axis] - window[axis]) for axis in (0, 1))
    frame = np.array([[left, top, left + factor * inner[3], top + factor * inner[2]]], dtype=np.float64)
    framed = draw_boxes(drawn, frame, [Pen(INK)], width=max(1, line_width(drawn.shape) - 1))
    width = max(framed.shape[1], enlarged.shape[1])
    sheet = np.full((framed.shape[0] + _GAP // 2 + enlarged.shape[0], width, 3), BACKGROUND, dtype=np.uint8)
    sheet[: framed.shape[0], : framed.shape[1]] = framed
    sheet[-enlarged.shape[0] :, : enlarged.shape[1]] = enlarged
    return sheet


def _drawn(image: Image, objects: AnnotationSet | None, window: Window, times: int) -> tuple[ByteImage, int]:
    """Draw objects on a window of the image, whose pixels are repeated, and return how often."""
    top, left, height, width = window
    # Stretched as a whole, so that a part is as bright as it is in the image.
    shown = to_display(image)[top : top + height, left : left + width]
    canvas, factor = enlarge(_enlarged(shown, times))
    factor *= times
    if objects is None:
        return canvas, factor
    return draw_objects(canvas, crop(objects, window, "window"), factor=factor), factor


def score_panels(
    image: Image,
    scores: npt.NDArray[np.float32],
    labels: LabelImage,
    true_labels: LabelImage | None = None,
    *,
    side: int = 400,
) -> ByteImage:
    """Draw one image, its heat map, the cells found in it and the true cells side by side.

    Args:
        image: (H, W) or (H, W, 3) RGB, uint8; stretched for display only.
        scores: (H, W) float in [0, 1], the probability of being in a cell; black is 0, yellow 1.
        labels: (H, W) int32, the predicted cells.
        true_labels: (H, W) int32, the true cells; None leaves the panel out.
        side: Of a larger image only the window of this side with the most true (else predicted) cells is shown.

    Returns:
        (H', W', 3) uint8 RGB, a row of panels with captions.

    Raises:
        ValueError: If the arrays differ in height and width.
    """
    given = {"scores": scores, "labels": labels, **({} if true_labels is None else {"true_labels": true_labels})}
    for name, array in given.items():
        if array.shape != image.shape[:2]:
            raise ValueError(f"`{name}` must have the image's height and width {image.shape[:2]}, got {array.shape}.")
    boxes = _label_boxes(labels if true_labels is None else true_labels)
    top, left, height, width = busiest_window(image.shape[:2], boxes, side)
    cut = np.s_[top : top + height, left : left + width]
    canvas, factor = enlarge(to_display(image[cut]))
    panels = [(canvas, "image"), (_enlarged(draw_heat(scores[cut]), factor), "heat map: black 0, yellow 1")]
    for name, cells in (("found", labels), ("target", true_labels)):
        if cells is not None:
            panels.append(_label_panel(cells[cut], name, factor))
    return join_panels(panels, columns=len(panels))


def busiest_window(shape: tuple[int, ...], boxes: npt.NDArray[np.float64], side: int) -> Window:
    """Return the window of an image that shows the most objects.

    Args:
        shape: Height and width of the image in pixels.
        boxes: (N, 4) in pixel edges; N may be 0.
        side: Side of the window in pixels, smaller where the image is.

    Returns:
        Top, left, height and width. Of equally full windows the upper left one; without objects the image's centre.
    """
    height, width = min(side, shape[0]), min(side, shape[1])
    tops, lefts = (_starts(length, seen) for length, seen in ((shape[0], height), (shape[1], width)))
    if not len(boxes):
        return (shape[0] - height) // 2, (shape[1] - width) // 2, height, width
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
    inside_y = (y >= tops[:, np.newaxis]) & (y < tops[:, np.newaxis] + height)
    inside_x = (x >= lefts[:, np.newaxis]) & (x < lefts[:, np.newaxis] + width)
    counts = inside_y.astype(np.int64) @ inside_x.T.astype(np.int64)
    row, column = np.unravel_index(int(np.argmax(counts)), counts.shape)
    return int(tops[row]), int(lefts[column]), height, width


def draw_heat(scores: npt.NDArray[np.float32]) -> ByteImage:
    """Draw scores (H, W) in [0, 1] as (H, W, 3) uint8 RGB; black is 0, yellow is 1."""
    import cv2

    levels = np.rint(np.clip(scores, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def join_panels(panels: Sequence[tuple[ByteImage, str]], *, columns: int) -> ByteImage:
    """Put pictures with captions below them into rows.

    Args:
        panels: Each (H, W, 3) uint8 RGB with its caption; they may differ in size. At least one.
        columns: Panels in a row, 1 or more.

    Returns:
        (H', W', 3) uint8 RGB.
    """
    if columns < 1 or not panels:
        raise ValueError(f"`columns` and the number of `panels` must be at least 1, got {columns} and {len(panels)}.")
    tiles = [add_legend(picture, [LegendEntry(None, caption)]) for picture, caption in panels]
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    across = min(columns, len(tiles))
    down = -(-len(tiles) // across)
    sheet = np.full((down * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP, 3), BACKGROUND, dtype=np.uint8)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, across)
        top, left = row * (height + _GAP), column * (width + _GAP)
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def _starts(length: int, seen: int) -> npt.NDArray[np.int64]:
    """Return where windows begin: an eighth of a window apart, the last at the very end."""
    step = max(1, seen // 8)
    return np.unique(np.append(np.arange(0, length - seen + 1, step), length - seen))


def _label_boxes(labels: LabelImage) -> npt.NDArray[np.float64]:
    from scipy import ndimage

    windows = [window for window in ndimage.find_objects(labels) if window is not None]
    corners = [(x.start, y.start, x.stop, y.stop) for y, x in windows]
    return np.array(corners, dtype=np.float64).reshape(-1, 4)


def _label_panel(labels: LabelImage, name: str, factor: int) -> tuple[ByteImage, str]:
    """Return cells in white with outlines that keep touching ones apart, and how many there are."""
    larger = _enlarged(labels, factor)
    white = np.repeat(((larger > 0) * np.uint8(235))[..., np.newaxis], 3, axis=2)
    pens = [category_pen(5)] * int(larger.max(initial=0))
    drawn = draw_outlines(white, larger, pens, width=max(1, line_width(larger.shape) - 1))
    return drawn, f"{name}: {count_of(len(np.unique(labels[labels > 0])), 'cell')}"


def _enlarged(array: npt.NDArray[_Value], factor: int) -> npt.NDArray[_Value]:
    return np.repeat(np.repeat(array, factor, axis=0), factor, axis=1)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _check_one(objects: AnnotationSet, name: str, image: Image) -> None:
    sizes = [(row["height"], row["width"]) for row in objects.images.select(["height", "width"]).to_pylist()]
    if sizes != [tuple(image.shape[:2])]:
        raise ValueError(f"{name!r} must hold one image of the size {image.shape[:2]}, got {sizes}.")
