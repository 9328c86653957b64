"""Labels of cells brought to another size with smooth outlines, and with every cell kept."""

import cv2
import numpy as np

from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

# Blur of a cell's mask, in its own pixels, that rounds the stairs of its outline off.
_SMOOTHING_PX = 0.8
# What a mask is seen with around it, so that its blurred border lies inside.
_MARGIN = 4


def resize_cells(labels: LabelImage, size: tuple[int, int]) -> LabelImage:
    """Return the cells of labels (H, W) with `size` as height and width; the same array where that is its own.

    Each cell's mask is smoothed and cut at half its height; where two claim a pixel, the one that covers more of it
    has it. A cell that would be left without a pixel keeps one, so that no count changes.
    """
    if labels.shape == size:
        return labels
    from scipy import ndimage

    resized = np.zeros(size, dtype=np.int32)
    best = np.full(size, 0.5, dtype=np.float32)
    scale = (labels.shape[0] / size[0], labels.shape[1] / size[1])
    sigmas = [max(_SMOOTHING_PX, 0.5 * one) for one in scale]
    lost = []
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is None:
            continue
        (top, left), cover = _cover(labels, number, window, sigmas, size)
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
    labels: LabelImage, number: int, window: tuple[slice, slice], sigmas: list[float], size: tuple[int, int]
) -> tuple[tuple[int, int], Float32Array]:
    """Return how far the pixels of the other size lie in a cell, and the first of them (row, column)."""
    reach = [_MARGIN + int(np.ceil(3 * sigma)) for sigma in sigmas]
    near = tuple(
        slice(max(one.start - far, 0), min(one.stop + far, length))
        for one, far, length in zip(window, reach, labels.shape, strict=True)
    )
    mask = (labels[near] == number).astype(np.float32)
    # What lies beyond the image's border is no outside of a cell.
    smooth = cv2.GaussianBlur(mask, (0, 0), sigmaX=sigmas[1], sigmaY=sigmas[0], borderType=cv2.BORDER_REPLICATE)
    found: Float32Array = np.asarray(smooth)
    firsts = []
    for axis, one in enumerate(near):
        ratio = size[axis] / labels.shape[axis]
        first, stop = int(np.floor(one.start * ratio)), int(np.ceil(one.stop * ratio))
        stop = min(max(stop, first + 1), size[axis])
        places = (np.arange(first, stop) + 0.5) / ratio - 0.5 - one.start
        found = read_between(found, np.clip(places, 0, found.shape[axis] - 1), axis=axis)
        firsts.append(first)
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
