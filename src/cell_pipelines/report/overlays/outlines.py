"""Outlines of labelled cells drawn on their image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.report.overlays.drawing import Pen, paint_cross
from cell_pipelines.report.palette import CASING
from cell_pipelines.typing import ByteImage, LabelImage

_Contours = list[npt.NDArray[np.int32]]


def draw_outlines(canvas: ByteImage, labels: LabelImage, pens: Sequence[Pen | None], *, width: int) -> ByteImage:
    """Draw a line along the border of every cell, holes included.

    The centre of the line lies on the outermost pixels of the cell. A thin dark rim keeps it apart from a bright
    image.

    Args:
        canvas: (H, W, 3) uint8 RGB.
        labels: (H, W) int32, 0 is background.
        pens: How label ``i + 1`` is drawn; None leaves it out. Labels above the number of pens are not drawn.
        width: Thickness of the line in pixels, 1 or more.

    Returns:
        (H, W, 3) uint8, a new array. Later labels lie above earlier ones, lines above all rims.
    """
    import cv2

    drawn = np.ascontiguousarray(canvas).copy()
    rim = max(1, width // 3)
    outlines = list(_outlines(labels, pens))
    for contours, corners, pen in outlines:
        cv2.polylines(drawn, contours, True, CASING, width + 2 * rim)
        paint_cross(drawn, corners, pen, width=width, rim=rim)
    for contours, corners, pen in outlines:
        lines = [dash for contour in contours for dash in _dashes(contour, width)] if pen.dashed else contours
        cv2.polylines(drawn, lines, not pen.dashed, pen.colour, width)
        paint_cross(drawn, corners, pen, width=width)
    return drawn


def _outlines(labels: LabelImage, pens: Sequence[Pen | None]) -> Iterator[tuple[_Contours, Any, Pen]]:
    """Yield the closed lines, the place of a cross and the pen of each cell that has a pen and a pixel."""
    import cv2
    from scipy import ndimage

    windows = ndimage.find_objects(labels)[: len(pens)]
    for number, (window, pen) in enumerate(zip(windows, pens, strict=False), start=1):
        if window is None or pen is None:
            continue
        top, left = window[0].start, window[1].start
        mask = (labels[window] == number).astype(np.uint8)
        found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(left, top))
        contours = [np.asarray(contour, np.int32) for contour in found]
        yield contours, _upper_right(contours), pen


def _upper_right(contours: _Contours) -> tuple[int, int, int, int]:
    """Return a box whose upper right corner is the point of the lines that lies farthest there."""
    points = np.concatenate(contours).reshape(-1, 2)
    x, y = (int(value) for value in points[np.argmax(points[:, 0] - points[:, 1])])
    return x, y, x, y


def _dashes(contour: npt.NDArray[np.int32], width: int) -> _Contours:
    """Cut a closed line of neighbouring pixels into pieces and return every other, at least two."""
    pieces = max(2, round(len(contour) / (4 * width) / 2)) * 2
    edges = np.linspace(0, len(contour), pieces + 1).round().astype(int)
    return [contour[a:b] for a, b in zip(edges[:-1:2], edges[1::2], strict=True) if b > a]
