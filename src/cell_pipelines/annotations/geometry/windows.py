"""Masks seen through a window of their image, and masks of a window in the whole image; no image is ever drawn."""

import numpy as np

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.intervals import (
    all_run_lengths_to_intervals,
    interval_boxes,
    intervals_to_run_lengths,
    split_at_columns,
)
from cell_pipelines.typing import FloatArray

#: Top, left, height and width in pixels.
Window = tuple[int, int, int, int]


def crop_masks(masks: RunLengths, height: int, window: Window) -> tuple[RunLengths, FloatArray]:
    """Return what a window shows of masks.

    Args:
        masks: N masks of one image.
        height: Height of the image in pixels.
        window: Within the image.

    Returns:
        N masks of the window, empty where nothing of one lies in it, and the box (N, 4) around each in pixel edges of
        the window, four zeros where it is empty.
    """
    top, left, tall, wide = window
    owner, start, stop = all_run_lengths_to_intervals(masks)
    number, column, first, last = split_at_columns(start, stop, height)
    column, first, last = column - left, np.maximum(first - top, 0), np.minimum(last - top, tall)
    seen = (column >= 0) & (column < wide) & (last > first)
    begin = column[seen] * tall
    parts = owner[number[seen]], begin + first[seen], begin + last[seen]
    boxes = interval_boxes(*parts, len(masks), tall)
    return intervals_to_run_lengths(*parts, len(masks), tall * wide), boxes


def embed_masks(masks: RunLengths, window: Window, size: tuple[int, int]) -> tuple[RunLengths, FloatArray]:
    """Return masks of a window as masks of the whole image.

    Args:
        masks: N masks of the window.
        window: Within the image.
        size: Height and width of the image.

    Returns:
        N masks of the image, and the box (N, 4) around each in its pixel edges, four zeros around an empty one.
    """
    top, left, tall, _ = window
    owner, start, stop = all_run_lengths_to_intervals(masks)
    number, column, first, last = split_at_columns(start, stop, tall)
    begin = (column + left) * size[0] + top
    parts = owner[number], begin + first, begin + last
    return intervals_to_run_lengths(*parts, len(masks), size[0] * size[1]), interval_boxes(*parts, len(masks), size[0])


def mask_centroids(masks: RunLengths, height: int) -> FloatArray:
    """Return the centroid (N, 2) of each mask as (row, column), pixel centres at whole numbers; NaN of an empty one.

    Args:
        masks: N masks of one image.
        height: Height of the image in pixels.
    """
    owner, start, stop = all_run_lengths_to_intervals(masks)
    number, column, first, last = split_at_columns(start, stop, height)
    length = last - first
    areas, rows, columns = (
        np.bincount(owner[number], weights=weights, minlength=len(masks))
        for weights in (length, length * (first + last - 1) / 2, length * column)
    )
    with np.errstate(invalid="ignore"):
        return np.stack([rows / areas, columns / areas], axis=1)


def sample_masks(masks: RunLengths, boxes: FloatArray, whole: tuple[int, int], size: tuple[int, int]) -> RunLengths:
    """Return masks as a smaller picture shows them, which takes each pixel's centre.

    Args:
        masks: N masks of one image; one without run lengths stays so.
        boxes: (N, 4) around them in the pixels of the picture. One that no centre lies in has the pixel at its centre.
        whole: Height and width of the image.
        size: Height and width of the picture.
    """
    rows, columns = ((np.arange(n) + 0.5) * length / n for n, length in zip(size, whole, strict=True))
    place = np.full(whole[1], -1)
    place[columns.astype(np.int64)] = np.arange(size[1])
    owner, start, stop = all_run_lengths_to_intervals(masks)
    number, column, first, last = split_at_columns(start, stop, whole[0])
    seen, of = place[column], owner[number]
    top, bottom = (np.searchsorted(rows.astype(np.int64), edge) for edge in (first, last))
    kept = (seen >= 0) & (bottom > top)
    begin = seen[kept] * size[0]
    of, start, stop = of[kept], begin + top[kept], begin + bottom[kept]
    is_mask = np.diff(masks.starts) > 0
    lost = np.flatnonzero(is_mask & (np.bincount(of, minlength=len(masks)) == 0))
    centres = np.floor((boxes[lost, :2] + boxes[lost, 2:]) / 2).astype(np.int64)
    x, y = np.clip(centres, 0, [size[1] - 1, size[0] - 1]).T
    of, start, stop = (
        np.concatenate(pair) for pair in ((of, lost), (start, x * size[0] + y), (stop, x * size[0] + y + 1))
    )
    order = np.argsort(of, kind="stable")
    runs = intervals_to_run_lengths(of[order], start[order], stop[order], len(masks), size[0] * size[1])
    return RunLengths.from_lists([runs.of(row) if is_mask[row] else runs.values[:0] for row in range(len(runs))])
