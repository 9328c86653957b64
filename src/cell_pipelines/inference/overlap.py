"""Compute how far neighbouring tiles must overlap for each cell of a known size to lie whole in one of them."""

import logging
import math
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)

# Cells of new images may be somewhat larger than nearly all of those that were annotated.
_SPARE = 1.25


def choose_overlap(record: Mapping[str, Any], *, wanted: int | None, least: int, tile: int | None) -> int:
    """Return the least overlap of neighbouring tiles in pixels.

    Args:
        record: What stands in the model file; its ``training_images`` say how large cells are.
        wanted: The overlap that was asked for; None for one that follows the cells: 5/4 of the longer side of nearly
            all (99 %) annotated cells, at least `least`.
        least: Overlap where cells are small or the file does not say how large they are.
        tile: Side of the tiles in pixels; half of it is the most that follows the cells. None for any.
    """
    known = (record.get("training_images") or {}).get("object_side_px")
    needed = max(least, math.ceil(known["most"] * _SPARE)) if known else least
    if wanted is not None:
        if known and wanted < known["most"]:
            text = (
                "`overlap` is %d px, but cells of the training images measure up to %.0f px, so cells at the borders "
            )
            text += "of tiles may be counted more than once."
            logger.warning(text, wanted, known["most"])
        return wanted
    if tile is None or needed <= least or needed <= tile // 2:
        return needed
    chosen = max(least, tile // 2)
    text = "Tiles of %d px overlap by %d px, but the cells of the training images need %d px; use larger tiles."
    logger.warning(text, tile, chosen, needed)
    return chosen
