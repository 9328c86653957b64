"""Labels of cells brought to another size with smooth outlines, and with every cell kept."""

from dataclasses import dataclass

import cv2
import numpy as np

from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

# Blur of a cell's mask, in its own pixels, that rounds the stairs of its outline off.
_SMOOTHING_PX = 0.8
# What a mask is seen with around it, so that its blurred border lies inside.
_MARGIN = 4


#: Top, left, height and width in pixels.
Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Scaling:
    """Labels of a part of an image at one scale, which are to become labels of that part at another.

    Attributes:
        corner: Row and column of the part's first pixel in the image of the labels' scale.
        seen: Height and width of that whole image.
        size: Height and width of the whole image at the other scale.
    """

    corner: tuple[int, int]
    seen: tuple[int, int]
    size: tuple[int, int]

    def window(self, shape: tuple[int, int]) -> Window:
        """Return where a part of `shape` lies in the image at the other scale: all pixels that it reaches into."""
        spans = [
            (first * size // seen, min(-(-(first + length) * size // seen), size))
            for first, length, seen, size in zip(self.corner, shape, self.seen, self.size, strict=True)
        ]
        return spans[0][0], spans[1][0], spans[0][1] - spans[0][0], spans[1][1] - spans[1][0]


def resize_cells(labels: LabelImage, size: tuple[int, int]) -> LabelImage:
    """Return the cells of labels (H, W) with `size` as height and width; the same array where that is its own.

    Each cell's mask is smoothed and cut at half its height; where two claim a pixel, the one that covers more of it
    has it. A cell that would be left without a pixel keeps one, so that no count changes.
    """
    return resize_part(labels, Scaling((0, 0), (labels.shape[0], labels.shape[1]), size))


def resize_part(labels: LabelImage, scaling: Scaling) -> LabelImage:
    """Return what `resize_cells` does of a part of an image: labels of `scaling.window`."""
    if scaling.seen == scaling.size:
        return labels
    from scipy import ndimage

    height, width = scaling.window((labels.shape[0], labels.shape[1]))[2:]
    resized = np.zeros((height, width), dtype=np.int32)
    best = np.full((height, width), 0.5, dtype=np.float32)
    lost = []
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is None:
            continue
        (top, left), cover = _cover(labels, number, window, scaling)
        if not cover.size:
            continue
        place = (slice(top, top + cover.shape[0]), slice(left, left + cover.shape[1]))
        wins = cover >= best[place]
        resized[place][wins] = number
        best[place][wins] = cover[wins]
        row, column = np.unravel_index(int(cover.argmax()), cover.shape)
        lost.append((number, top + int(row), left + int(column)))
    return _with_lost(resized, lost)


def _with_lost(resized: LabelImage, centres: list[tuple[int, int, int]]) -> LabelImage:
    """Return labels in which each cell without a pixel has the nearest one that is no other's only one."""
    counts = np.bincount(resized.ravel(), minlength=max((number for number, _, _ in centres), default=0) + 1)
    for number, row, column in centres:
        if counts[number]:
            continue
        free = np.argwhere((resized == 0) | (counts[resized] > 1))
        if not len(free):  # more cells than pixels
            break
        place = tuple(free[np.square(free - (row, column)).sum(axis=1).argmin()])
        counts[resized[place]] -= 1
        counts[number] = 1
        resized[place] = number
    return resized


def _cover(
    labels: LabelImage, number: int, window: tuple[slice, slice], scaling: Scaling
) -> tuple[tuple[int, int], Float32Array]:
    """Return how far the pixels of the other scale lie in a cell, and the first of them (row, column)."""
    sigmas = [max(_SMOOTHING_PX, 0.5 * seen / size) for seen, size in zip(scaling.seen, scaling.size, strict=True)]
    reach = [_MARGIN + int(np.ceil(3 * sigma)) for sigma in sigmas]
    near = tuple(
        slice(max(one.start - far, 0), min(one.stop + far, length))
        for one, far, length in zip(window, reach, labels.shape, strict=True)
    )
    mask = (labels[near] == number).astype(np.float32)
    # What lies beyond the image's border is no outside of a cell.
    smooth = cv2.GaussianBlur(mask, (0, 0), sigmaX=sigmas[1], sigmaY=sigmas[0], borderType=cv2.BORDER_REPLICATE)
    found: Float32Array = np.asarray(smooth)
    firsts, within = [], scaling.window((labels.shape[0], labels.shape[1]))
    for axis, one in enumerate(near):
        ratio, corner = scaling.size[axis] / scaling.seen[axis], scaling.corner[axis]
        first = int(np.floor((one.start + corner) * ratio))
        stop = int(np.ceil((one.stop + corner) * ratio))
        stop = min(max(stop, first + 1), within[axis] + within[axis + 2])
        places = (np.arange(first, stop) + 0.5) / ratio - 0.5 - corner - one.start
        found = read_between(found, np.clip(places, 0, found.shape[axis] - 1), axis=axis)
        firsts.append(first - within[axis])
    return (firsts[0], firsts[1]), found


def read_between(image: Float32Array, places: FloatArray, *, axis: int) -> Float32Array:
    """Return an image (H, W[, C]) read along `axis` at `places`, linearly between the two nearest pixels.

    Args:
        image: The image.
        places: (N,) in pixels from the centre of the first one, within the image.
        axis: 0 for rows, 1 for columns.
    """
    low = np.floor(places).astype(np.int64)
    shape = [1] * image.ndim
    shape[axis] = -1
    share = (places - low).astype(np.float32).reshape(shape)
    first = image.take(low, axis=axis)
    between: Float32Array = first + (image.take(np.minimum(low + 1, image.shape[axis] - 1), axis=axis) - first) * share
    return between
