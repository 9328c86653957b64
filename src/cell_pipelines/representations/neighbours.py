"""Find the pixels of cells near other cells, and grow cells back; a step leads to one of four neighbours."""

from collections.abc import Callable

import numpy as np

from cell_pipelines.typing import BoolMask, LabelImage


def near_another(labels: LabelImage, steps: int) -> BoolMask:
    """Return which pixels of cells reach another cell within `steps`, 1 or more, the last of them leaving their own."""
    return depth_from_others(labels, steps) > 0


def depth_from_others(labels: LabelImage, steps: int) -> LabelImage:
    """Return in how many steps a pixel of a cell reaches another cell, inside its own; 0 where in more than `steps`."""
    return _depth(labels, steps, lambda own, other: (other > 0) & (own != other))


def depth_from_outside(labels: LabelImage, steps: int) -> LabelImage:
    """Return in how many steps a pixel of a cell leaves it; 0 where in more than `steps`. The border is not left."""
    return _depth(labels, steps, lambda own, other: own != other)


def grow(labels: LabelImage, domain: BoolMask, rounds: int) -> LabelImage:
    """Return labels (H, W) grown into `domain`, in each round first to the sides, then round convex corners.

    A corner is taken from where the cell was before the round, over a side that the cell has by then. So a cell that
    was thinned by as many steps gets back its corners, and none leaps to a cell that it touches at a corner only.
    Where two are as near, above comes first, then left.
    """
    width = labels.shape[1] + 2
    grown = np.pad(labels, 1).ravel()
    free = np.flatnonzero(np.pad(domain, 1).ravel() & (grown == 0))
    for _ in range(rounds):
        corners = [(grown[free + up + left], up, left) for up in (-width, width) for left in (-1, 1)]
        reached = np.zeros(free.size, dtype=labels.dtype)
        for step in (-width, -1, 1, width):
            reached = np.where(reached == 0, grown[free + step], reached)
        grown[free] = reached
        for corner, up, left in corners:
            joined = (grown[free + up] == corner) | (grown[free + left] == corner)
            reached = np.where((reached == 0) & joined, corner, reached)
        grown[free] = reached
        free = free[reached == 0]
    return np.asarray(grown.reshape(-1, width)[1:-1, 1:-1])


def _depth(labels: LabelImage, steps: int, leaves: Callable[[LabelImage, LabelImage], BoolMask]) -> LabelImage:
    """Return the step at which each pixel of a cell is reached; `leaves` tells pairs that it starts from."""
    width = labels.shape[1] + 2
    padded = np.pad(labels, 1, mode="edge" if labels.size else "constant").ravel()
    depth = np.zeros(padded.size, dtype=np.int32)
    inside = np.zeros((labels.shape[0] + 2, width), dtype=np.bool_)
    inside[1:-1, 1:-1] = labels > 0
    free = np.flatnonzero(inside)
    for count in range(1, steps + 1):
        reached = np.zeros(free.size, dtype=np.bool_)
        for step in (-width, -1, 1, width):
            own, other = padded[free], padded[free + step]
            reached |= leaves(own, other) if count == 1 else (own == other) & (depth[free + step] == count - 1)
        depth[free[reached]] = count
        free = free[~reached]
    return np.asarray(depth.reshape(-1, width)[1:-1, 1:-1])
