"""Images with boxes drawn on them: what a model got right and wrong, what it predicts, what it learns from.

All images are stretched for display (`display.py`), the small ones enlarged, and have a legend below
(`legends.py`). A box is x_min, y_min, x_max, y_max in pixel edges of the image as it is given.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.reading import Image
from cell_pipelines.metrics.checks import check_boxes, check_flags, check_indices, check_scores
from cell_pipelines.report.overlays.display import enlarge, to_display
from cell_pipelines.report.overlays.drawing import draw_boxes, line_width
from cell_pipelines.report.overlays.legends import MATCH_PENS, add_legend, category_legend, category_pen, match_legend
from cell_pipelines.report.palette import BACKGROUND, CASING, INK
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


def overlay_predictions(
    image: Image, boxes: Boxes, categories: IntArray, names: Sequence[str], *,
    scores: npt.NDArray[np.float64] | None = None,
) -> ByteImage:  # fmt: skip
    """Draw boxes, one colour per category.

    Colours are those of Okabe and Ito; from the eighth category on they come again with dashed lines. The
    image is stretched for display only: its brightest and darkest 0.1 percent become white and black.

    Args:
        image: (H, W) or (H, W, 3) RGB, uint8. An image below 400 pixels is enlarged.
        boxes: (N, 4) float, boxes in pixels; N may be 0.
        categories: (N,) int, index into `names`.
        names: Names of the categories; each is in the legend with its number of boxes, also if it has none.
        scores: (N,) float in [0, 1]. Each is written above its box where the box is wide enough for it, and
            the legend tells their range. None: no scores.

    Returns:
        (H', W', 3) uint8, RGB, a new array: the image at the upper left, and below it the legend.

    Raises:
        ValueError: If a box is not four finite numbers in order, a category has no name, a score lies outside
            [0, 1], or the columns differ in length.
    """
    boxes, categories = _check_objects(boxes, categories, names)
    scores = None if scores is None else check_scores(scores, "scores", length=len(boxes))
    canvas, factor = enlarge(to_display(image))
    width = line_width(canvas.shape)
    drawn = draw_boxes(canvas, boxes * factor, [category_pen(c) for c in categories.tolist()], width=width)
    if scores is not None:
        drawn = _write_scores(drawn, boxes * factor, scores, width=width)
    return add_legend(drawn, category_legend(categories, names, scores=scores))


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


def _write_scores(canvas: ByteImage, boxes: Boxes, scores: npt.NDArray[np.float64], *, width: int) -> ByteImage:
    """Write each score on a dark tag on top of its box, inside it where there is no room above."""
    import cv2

    drawn, font, scale, thickness = canvas.copy(), cv2.FONT_HERSHEY_SIMPLEX, 0.2 * width, max(1, width // 2)
    for (x_min, y_min, x_max, _), score in zip(boxes, scores.tolist(), strict=True):
        text = f"{score:.2f}"
        (length, height), _ = cv2.getTextSize(text, font, scale, thickness)
        if length + 2 * width > x_max - x_min:
            continue
        tall = height + 2 * width
        left, top = max(int(x_min) + 1, 0), int(y_min) - width - tall
        top = top if top >= 0 else max(int(y_min), 0) + width
        drawn[top : top + tall, left : left + length + 2 * width] = CASING
        cv2.putText(drawn, text, (left + width, top + height + width), font, scale, INK, thickness, cv2.LINE_AA)
    return drawn
