"""An image's foreground in little room: groups of cells cut out and packed side by side."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.filling import fill_holes
from cell_pipelines.representations.maps import Maps
from cell_pipelines.typing import BoolMask, IntArray

Box = tuple[slice, slice]

# Packing has a price of its own; it must save at least half of the pixels.
_WORTH_IT = 0.5


@dataclass(frozen=True, eq=False)
class Window:
    """Pixels of an image moved together.

    Attributes:
        maps: (h, w) uint16 maps by name, 0 where nothing was moved to.
        source_index: (h, w) each pixel's place in the flattened image.
    """

    maps: Maps
    source_index: IntArray


def whole(maps: Maps) -> Window:
    """Return an image as the one window."""
    shape = next(iter(maps.values())).shape
    return Window(maps, np.arange(math.prod(shape)).reshape(shape))


def pack(maps: Maps, support: BoolMask) -> list[Window]:
    """Return windows that together hold all of `support` with a pixel of 0 around each group.

    Whatever looks at 4-connected components of a part of `support`, at their holes, and at distances to the nearest
    background, finds in the windows what it would find in the image: components of the filled support that touch
    at a corner stay together, each is surrounded by background as in the image, and one at the image's border keeps
    that border as its window's.

    Args:
        maps: (H, W) uint16 maps by name.
        support: (H, W), where cells may lie.
    """
    if not support.any():
        return []
    source_index = np.arange(support.size).reshape(support.shape)
    _, groups, boxes, _ = cv2.connectedComponentsWithStats(fill_holes(support).view(np.uint8), connectivity=8)
    boxes = boxes[1:, :4].astype(np.int64)
    if ((boxes[:, 2] + 1) * (boxes[:, 3] + 1)).sum() > _WORTH_IT * support.size:
        return [whole(maps)]
    ends = boxes[:, :2] + boxes[:, 2:]
    height, width = support.shape
    outer = (boxes[:, :2] == 0).any(axis=1) | (ends[:, 0] == width) | (ends[:, 1] == height)
    inner = np.flatnonzero(~outer)
    windows = [_cut_out(maps, source_index, groups, int(i), boxes[i]) for i in np.flatnonzero(outer)]
    return [*windows, _put_together(maps, source_index, groups, inner, boxes[inner])] if inner.size else windows


def _cut_out(maps: Maps, source_index: IntArray, groups: npt.NDArray[np.int32], index: int, box: IntArray) -> Window:
    left, top, width, height = box.tolist()
    place = (slice(max(top - 1, 0), top + height + 1), slice(max(left - 1, 0), left + width + 1))
    own = groups[place] == index + 1
    return Window({name: item[place] * own for name, item in maps.items()}, np.ascontiguousarray(source_index[place]))


def _put_together(
    maps: Maps, source_index: IntArray, groups: npt.NDArray[np.int32], indices: IntArray, boxes: IntArray
) -> Window:
    """Return the groups on shelves, the highest first, a free row and column around each."""
    width = max(math.isqrt(int(((boxes[:, 2] + 1) * (boxes[:, 3] + 1)).sum())), int(boxes[:, 2].max())) + 2
    spots, height = _on_shelves(boxes, width)
    packed = {name: np.zeros((height, width), dtype=np.uint16) for name in maps}
    moved = np.zeros((height, width), dtype=np.int64)
    for index, (left, top, wide, high), (x, y) in zip(indices.tolist(), boxes.tolist(), spots, strict=True):
        source: Box = slice(top, top + high), slice(left, left + wide)
        target: Box = slice(y, y + high), slice(x, x + wide)
        own = groups[source] == index + 1
        moved[target] = source_index[source]
        for name, item in maps.items():
            np.multiply(item[source], own, out=packed[name][target])
    return Window(packed, moved)


def _on_shelves(boxes: IntArray, width: int) -> tuple[list[tuple[int, int]], int]:
    """Return where each box's corner (x, y) goes in a picture of this width, and the picture's height."""
    spots = [(0, 0)] * len(boxes)
    x, y, shelf = 1, 1, 0
    for index in np.argsort(-boxes[:, 3], kind="stable").tolist():
        wide, high = int(boxes[index, 2]), int(boxes[index, 3])
        if x + wide + 1 > width:
            x, y, shelf = 1, y + shelf + 1, 0
        spots[index] = (x, y)
        x, shelf = x + wide + 1, max(shelf, high)
    return spots, y + shelf + 1
