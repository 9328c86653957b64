"""Look at the shape of a mask's foreground for signs that its pieces are no cells: drawn outlines, specks of noise."""

import numpy as np
from scipy import ndimage

from cell_pipelines.annotations.geometry.label_images import foreground_window, split_pieces
from cell_pipelines.typing import BoolMask

# An outline has hardly a pixel this far (in pixels) from what it is drawn on, and encloses more than it covers.
_LINE_HALF_WIDTH, _LINE_SHARE = 3, 0.05
# Pieces of fewer pixels are specks.
_SPECK_PX, _SPECK_SHARE, _LEAST_SPECKS = 4, 0.5, 5


def doubt_shapes(mask: BoolMask) -> list[str]:
    """Return the sentences about a mask (H, W) whose pieces don't look like cells; none for one that does."""
    window = mask[foreground_window(mask)]
    if not window.any():
        return []
    if is_drawn_outline(window):
        return [
            "the foreground is thin lines that enclose more than they cover, as outlines drawn around cells do; each "
            "piece of a line was taken for a cell. Fill the outlines, or save a number for each cell."
        ]
    areas = np.bincount(split_pieces(window).ravel())[1:]
    specks = int((areas < _SPECK_PX).sum())
    if specks < _LEAST_SPECKS or specks <= _SPECK_SHARE * len(areas):
        return []
    return [f"{specks} of {len(areas)} pieces have fewer than {_SPECK_PX} pixels, as noise has; each was taken whole."]


def is_drawn_outline(mask: BoolMask) -> bool:
    """Say whether the foreground of a mask (H, W) is thin lines that enclose more pixels than they cover."""
    area = int(mask.sum())
    padded = np.pad(mask, _LINE_HALF_WIDTH)
    inner = ndimage.minimum_filter(padded, size=2 * _LINE_HALF_WIDTH - 1)
    if inner.sum() > _LINE_SHARE * area:
        return False
    # Lines whose pixels touch at corners only enclose what is connected along rows and columns.
    background, _ = ndimage.label(~padded)
    return int((background > 1).sum()) > area
