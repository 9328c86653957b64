"""Images with boxes drawn on them: what a model got right and wrong, what it predicts, what it learns from.

All images are stretched for display (`display.py`), the small ones enlarged, and have a legend below
(`legends.py`). A box is x_min, y_min, x_max, y_max in pixel edges of the image as it is given.
"""

from collections.abc import Sequence

import numpy as np

from cell_pipelines.imaging.reading import Image
from cell_pipelines.metrics.checks import check_boxes, check_flags, check_indices
from cell_pipelines.report.overlays.display import enlarge, to_display
from cell_pipelines.report.overlays.drawing import draw_boxes, line_width
from cell_pipelines.report.overlays.legends import MATCH_PENS, add_legend, category_legend, category_pen, match_legend
from cell_pipelines.report.palette import BACKGROUND, CASING
from cell_pipelines.typing import BoolArray, Boxes, ByteImage, IntArray

_GAP = 8  # pixels between the tiles of a contact sheet


def overlay_matches(
    image: Image, true_boxes: Boxes, predicted_boxes: Boxes, *, found: BoolArray, correct: BoolArray
) -> ByteImage:
    """Draw the true positives, false positives and false negatives of a model.

    True positives have a green frame, false positives a red one with a cross on its upper right corner, and
    missed cells a dashed blue one, so that nobody has to tell green from red. A true positive is the predicted
    box. The image is stretched for display only: its brightest and darkest 0.1 percent become white and black.

    Args:
        image: (H, W) or (H, W, 3) RGB, uint8. An image below 400 pixels is enlarged.
        true_boxes: (N, 4) float, boxes in pixels; N may be 0.
        predicted_boxes: (M, 4) float, boxes in pixels; M may be 0.
        found: (N,) bool, whether each true box was found.
        correct: (M,) bool, whether each predicted box found one.

    Returns:
        (H', W', 3) uint8, RGB, a new array: the image at the upper left, and below it the legend with the
        number of each.

    Raises:
        ValueError: If a box is not four finite numbers in order, or flags and boxes differ in number.
        TypeError: If the flags are not bool.
    """
    true_boxes = check_boxes(true_boxes, "true_boxes")
    predicted_boxes = check_boxes(predicted_boxes, "predicted_boxes")
    found = check_flags(found, "found", length=len(true_boxes))
    correct = check_flags(correct, "correct", length=len(predicted_boxes))
    right, wrong, missed = predicted_boxes[correct], predicted_boxes[~correct], true_boxes[~found]
    numbers = (len(right), len(wrong), len(missed))
    pens = [pen for pen, number in zip(MATCH_PENS, numbers, strict=True) for _ in range(number)]
    canvas, factor = enlarge(to_display(image))
    boxes = np.concatenate([right, wrong, missed]) * factor
    drawn = draw_boxes(canvas, boxes, pens, width=line_width(canvas.shape))
    return add_legend(drawn, match_legend(found, correct))


def contact_sheet(
    samples: Sequence[tuple[Image, Boxes, IntArray]], names: Sequence[str], *, columns: int = 4, tile: int = 320
) -> ByteImage:
    """Draw many small images with their boxes side by side.

    Each image is stretched for display only, by its own darkest and brightest 0.1 percent, and scaled to fit
    its tile; what it does not fill stays dark.

    Args:
        samples: For each, image (H, W) or (H, W, 3) RGB uint8, boxes (N, 4) float in pixels, and categories
            (N,) int, index into `names`. None of them: the legend alone.
        names: Names of the categories.
        columns: Tiles in a row, 1 or more; fewer where there are fewer samples.
        tile: Side of a tile in pixels, 16 or more.

    Returns:
        (H, W, 3) uint8, RGB: rows of tiles, and below them the legend with the boxes of all samples together.

    Raises:
        ValueError: If `columns` or `tile` is too small, or a sample is not as said above.
    """
    if columns < 1 or tile < 16:
        raise ValueError(f"`columns` must be at least 1 and `tile` at least 16, got {columns} and {tile}.")
    checked = [(image, *_check_objects(boxes, categories, names)) for image, boxes, categories in samples]
    tiles = [_tile(*sample, tile) for sample in checked]
    everything = np.concatenate([np.zeros(0, dtype=np.int64), *(categories for *_, categories in checked)])
    return add_legend(_grid(tiles, columns, tile), category_legend(everything, names))


def _check_objects(boxes: Boxes, categories: IntArray, names: Sequence[str]) -> tuple[Boxes, IntArray]:
    boxes = check_boxes(boxes, "boxes")
    categories = check_indices(categories, "categories", length=len(boxes))
    if categories.size and categories.max() >= len(names):
        raise ValueError(f"`categories` must be below the number of `names` ({len(names)}), got {categories.max()}.")
    return boxes, categories


def _tile(image: Image, boxes: Boxes, categories: IntArray, side: int) -> ByteImage:
    """Return (side, side, 3) with the image in its centre."""
    import cv2

    shown = to_display(image)
    scale = side / max(shown.shape[:2])
    height, width = (max(1, round(length * scale)) for length in shown.shape[:2])
    scaled = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    ratio = np.array([width / shown.shape[1], height / shown.shape[0]] * 2)
    pens = [category_pen(category) for category in categories.tolist()]
    framed = draw_boxes(scaled, boxes * ratio, pens, width=line_width((side, side)))
    top, left = (side - height) // 2, (side - width) // 2
    canvas = np.full((side, side, 3), CASING, dtype=np.uint8)
    canvas[top : top + height, left : left + width] = framed
    return canvas


def _grid(tiles: Sequence[ByteImage], columns: int, side: int) -> ByteImage:
    across = min(columns, max(len(tiles), 1))
    down = -(-len(tiles) // across)
    step = side + _GAP
    sheet = np.full((down * step, across * step - _GAP, 3), BACKGROUND, dtype=np.uint8)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, across)
        sheet[row * step : row * step + side, column * step : column * step + side] = tile
    return sheet
