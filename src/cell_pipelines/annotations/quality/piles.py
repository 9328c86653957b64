"""Objects that lie in one place by the hundred: only the first are compared, so that time grows with their number."""

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.quality.table import Found
from cell_pipelines.typing import FloatArray, IntArray

#: Objects of one size in one place that are compared with others; no field of cells comes near it.
MOST_IN_A_PILE = 64


def thin_piles(kind: str, rows: IntArray, boxes: FloatArray, images: IntArray) -> tuple[npt.NDArray[np.bool_], Found]:
    """Return which objects are to be compared with others, and those that are not as findings.

    Objects are in one place where their widths and heights are alike to a factor of two and their centres to half of
    that.

    Args:
        kind: Kind of the findings.
        rows: (N,) rows of the objects in their set, rising within an image.
        boxes: (N,) their boxes, finite.
        images: (N,) their images.

    Returns:
        (N,) whether an object is among the first `MOST_IN_A_PILE` of its place, and a finding for each that isn't.
    """
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    level = np.floor(np.log2(sides))
    cell = np.floor((boxes[:, :2] + boxes[:, 2:]) / np.exp2(level))
    keys = np.column_stack([images, level, cell])
    order = np.lexsort(keys.T)
    new = np.ones(len(order), dtype=bool)
    new[1:] = (keys[order][1:] != keys[order][:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    pile = np.cumsum(new) - 1
    rank = np.arange(len(order)) - starts[pile]
    sizes = np.diff(np.append(starts, len(order)))[pile]
    kept = np.empty(len(order), dtype=bool)
    kept[order] = rank < MOST_IN_A_PILE
    left_out = np.flatnonzero(rank >= MOST_IN_A_PILE)
    sentences = [
        f"is one of {count} objects of its size in one place; only {MOST_IN_A_PILE} of them are compared with others."
        for count in sizes[left_out].tolist()
    ]
    first = rows[order[starts[pile[left_out]]]]
    return kept, Found(kind, rows[order[left_out]], np.full(len(left_out), np.nan), sentences, first)
