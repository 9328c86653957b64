"""One size of pixels for all images, or none, so that all cells are measured in one unit."""

import logging

from cell_pipelines.annotations.schema import AnnotationSet

logger = logging.getLogger(__name__)

PixelSize = tuple[float, float] | None
_SIDES = ("pixel_height_um", "pixel_width_um")


def with_one_unit(cells: AnnotationSet) -> AnnotationSet:
    """Return the cells without pixel sizes where some images have none, so that all are measured in pixels."""
    missing = sum(cells.images[side].null_count for side in _SIDES)
    if not 0 < missing < 2 * cells.n_images:
        return cells
    logger.warning("the pixel size of some images is not known, so all cells are measured in pixels.")
    return without_sizes(cells)


def without_sizes(cells: AnnotationSet) -> AnnotationSet:
    """Return the cells as if no pixel size were known."""
    for side in _SIDES:
        cells = cells.with_image_column(side, [None] * cells.n_images)
    return cells


def common_pixel_size(cells: AnnotationSet) -> PixelSize:
    """Return height and width of a pixel in micrometres; None where it is not known, or not the same of all images."""
    sizes = cells.images.select(list(_SIDES)).to_pandas().drop_duplicates()
    if len(sizes) > 1:
        logger.warning("images have pixels of %d sizes, or of none, so tracks are measured in pixels.", len(sizes))
    if len(sizes) != 1 or sizes.isna().to_numpy().any():
        return None
    height, width = sizes.iloc[0]
    return float(height), float(width)
