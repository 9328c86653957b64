"""Draw masks of cells on their image: true and false positives, false negatives, and how models differ."""

from __future__ import annotations

import numpy as np

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.imaging.reading import Image
from cell_pipelines.metrics.checks import check_flags
from cell_pipelines.report.overlays.display import enlarge, to_display
from cell_pipelines.report.overlays.drawing import draw_boxes, line_width
from cell_pipelines.report.overlays.legends import MATCH_PENS, add_legend, category_legend, category_pen, match_legend
from cell_pipelines.report.overlays.outlines import draw_outlines
from cell_pipelines.typing import BoolArray, Boxes, ByteImage, LabelImage

# Widest line in sides of a typical cell.
_LINE_SHARE = 1 / 8


def overlay_instances(
    image: Image, true_labels: LabelImage, labels: LabelImage, *, found: BoolArray, correct: BoolArray
) -> ByteImage:
    """Draw the outlines of true positives, false positives and false negatives.

    A found cell has the outline that was predicted, in green; a false one is red with a cross on its upper right
    corner; a missed one is a dashed blue line, so that nobody has to tell green from red. The image is stretched for
    display only.

    Args:
        image: (H, W) or (H, W, 3) RGB, uint8. An image below 400 pixels is enlarged.
        true_labels: (H, W) int32, 0 is background.
        labels: (H, W) int32, 0 is background.
        found: (N,) bool, whether the true cell of label ``i + 1`` was found.
        correct: (M,) bool, whether the predicted cell of label ``i + 1`` found one.

    Returns:
        (H', W', 3) uint8 RGB, a new array: the image at the upper left, and below it the legend with the number of
        each.

    Raises:
        ValueError: If image and labels differ in size, or a label has no flag.
        TypeError: If the flags are not bool.
    """
    _check_size(image, true_labels, "true_labels")
    _check_size(image, labels, "labels")
    found = check_flags(found, "found", length=_at_least(true_labels, found))
    correct = check_flags(correct, "correct", length=_at_least(labels, correct))
    right, wrong, missed = MATCH_PENS
    canvas, factor = enlarge(to_display(image))
    width = line_width(canvas.shape)
    # What was missed lies below, so that a dashed line never hides a whole one.
    drawn = draw_outlines(canvas, _larger(true_labels, factor), [None if f else missed for f in found], width=width)
    drawn = draw_outlines(drawn, _larger(labels, factor), [right if c else wrong for c in correct], width=width)
    return add_legend(drawn, match_legend(found, correct))


def overlay_cells(image: Image, annotations: AnnotationSet) -> ByteImage:
    """Draw the cells of one image, one colour per category, with a legend of their numbers.

    Args:
        image: (H, W) or (H, W, 3) RGB, uint8; enlarged below 400 pixels, and stretched for display only.
        annotations: The image's cells.

    Returns:
        (H', W', 3) uint8 RGB: the image at the upper left, and below it the legend.
    """
    canvas, factor = enlarge(to_display(image))
    drawn = draw_objects(canvas, annotations, factor=factor)
    return add_legend(drawn, category_legend(annotations.category, annotations.categories))


def draw_objects(canvas: ByteImage, annotations: AnnotationSet, *, factor: int = 1) -> ByteImage:
    """Draw the objects of one image, masks and polygons as outlines and boxes as frames, one colour per category.

    Args:
        canvas: (H * factor, W * factor, 3) uint8 RGB.
        annotations: One image of H x W pixels; where objects with a score overlap, the surest lies on top.
        factor: How often each pixel was repeated.

    Returns:
        (H * factor, W * factor, 3) uint8, a new array. Points are small squares.
    """
    width = _thin_line(canvas, annotations.boxes * factor)
    codes = annotations.objects["geometry"].to_numpy()
    drawn_as_boxes = (codes == GEOMETRIES.index("box")) | (codes == GEOMETRIES.index("point"))
    pens = [category_pen(category) for category in annotations.category.tolist()]
    outlined = [None if is_box else pen for is_box, pen in zip(drawn_as_boxes.tolist(), pens, strict=True)]
    drawn = canvas
    if not drawn_as_boxes.all():
        drawn = draw_outlines(drawn, _larger(objects_to_labels(annotations)[0], factor), outlined, width=width)
    rows = np.flatnonzero(drawn_as_boxes)
    boxes = annotations.boxes[rows] * factor
    radius = np.where((codes[rows] == GEOMETRIES.index("point"))[:, np.newaxis], [[-1, -1, 1, 1]], 0) * width
    return draw_boxes(drawn, boxes + radius, [pens[row] for row in rows.tolist()], width=width)


def _thin_line(canvas: ByteImage, boxes: Boxes) -> int:
    """Return a width that leaves small cells visible: outlines follow them closer than frames do."""
    widest = max(1, line_width(canvas.shape) - 1)
    if not len(boxes):
        return widest
    side = float(np.median(boxes[:, 2:] - boxes[:, :2]))
    return min(widest, max(1, round(side * _LINE_SHARE)))


def _larger(labels: LabelImage, factor: int) -> LabelImage:
    return np.repeat(np.repeat(labels, factor, axis=0), factor, axis=1)


def _at_least(labels: LabelImage, flags: BoolArray) -> int:
    """Return how many flags there must be: as many as there are, unless a label has none."""
    return max(len(flags), int(labels.max(initial=0)))


def _check_size(image: Image, labels: LabelImage, name: str) -> None:
    if labels.shape != image.shape[:2]:
        raise ValueError(f"`{name}` must have the image's height and width {image.shape[:2]}, got {labels.shape}.")
