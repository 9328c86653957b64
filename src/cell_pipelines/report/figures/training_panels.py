"""Draw the inputs and the predictions of a segmentation network while it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.report.figures.montage import draw_heat, join_panels
from cell_pipelines.report.figures.panels import count_of
from cell_pipelines.report.overlays.display import enlarge, to_display
from cell_pipelines.report.overlays.drawing import line_width
from cell_pipelines.report.overlays.legends import category_pen
from cell_pipelines.report.overlays.outlines import draw_outlines
from cell_pipelines.typing import ByteImage, Float32Array, LabelImage

_COLUMNS = 4


def tile_sheet(tiles: Sequence[tuple[Float32Array, LabelImage]]) -> ByteImage:
    """Draw training tiles with the outlines of their cells, one colour per category.

    Args:
        tiles: Each an image (H, W, C) in [0, 1] and labels (K, H, W).

    Returns:
        (H', W', 3) uint8 RGB.
    """
    return join_panels([_tile(*tile) for tile in tiles], columns=_COLUMNS)


def _tile(image: Float32Array, labels: LabelImage) -> tuple[ByteImage, str]:
    canvas, factor = enlarge(to_display(_picture(image)))
    for category, one in enumerate(labels):
        larger = np.repeat(np.repeat(one, factor, axis=0), factor, axis=1)
        pens = [category_pen(category)] * int(larger.max(initial=0))
        canvas = draw_outlines(canvas, larger, pens, width=max(1, line_width(canvas.shape) - 1))
    cells = sum(len(np.unique(one[one > 0])) for one in labels)
    return canvas, count_of(cells, "cell")


def prediction_panels(samples: Sequence[tuple[Float32Array, Float32Array, Float32Array]]) -> ByteImage:
    """Draw images with where the cells are and where the network sees them, a row each.

    Args:
        samples: Each an image (H, W, C) in [0, 1], targets (K, H, W) and probabilities (K, H, W) in [0, 1]; of several
            categories the highest is shown.

    Returns:
        (H', W', 3) uint8 RGB.
    """
    panels: list[tuple[ByteImage, str]] = []
    for image, target, probability in samples:
        panels += [
            (to_display(_picture(image)), "image"),
            (draw_heat(target.max(axis=0)), "target"),
            (draw_heat(probability.max(axis=0)), "probability"),
        ]
    return join_panels(panels, columns=3)


def _picture(image: Float32Array) -> ByteImage:
    return to_rgb(to_uint8(image, normalisation="full_range"))
