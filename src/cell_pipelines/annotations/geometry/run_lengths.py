"""Masks as COCO run lengths: drawn, measured, compressed, and turned between row by row and column by column.

Run lengths count the pixels of the whole image column by column, background first; foreground may be the last.
"""

import numpy as np

from cell_pipelines.annotations.geometry.intervals import (
    Counts,
    Runs,
    draw_intervals,
    interval_rows,
    intervals_to_run_lengths,
    merge_intervals,
    run_lengths_to_intervals,
)
from cell_pipelines.typing import BoolMask, IntArray


def run_lengths_to_mask(counts: Runs, height: int, width: int) -> BoolMask:
    """Draw COCO run lengths (column by column, background first) as a mask (H, W).

    Raises:
        ValueError: The runs do not add up to the image.
    """
    runs = np.asarray(counts, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"run lengths must add up to {height * width} pixels, got {int(runs.sum())}.")
    inside = np.arange(runs.size) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def mask_to_run_lengths(mask: BoolMask) -> Counts:
    """Return COCO run lengths of a mask (H, W), column by column, background first."""
    flat = mask.T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    before = [0, 0] if flat.size and flat[0] else [0]
    return np.diff(np.concatenate([before, changes, [flat.size]])).astype(np.uint32)


def mask_box(mask: BoolMask) -> tuple[float, float, float, float]:
    """Return the pixel edges around a mask (H, W); four zeros where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def run_lengths_area(counts: Runs) -> int:
    """Return the number of foreground pixels."""
    return int(np.asarray(counts, dtype=np.int64)[1::2].sum())


def run_lengths_box(counts: Runs, height: int) -> tuple[float, float, float, float]:
    """Return the pixel edges around the foreground without drawing it; four zeros where there is none.

    >>> run_lengths_box([5, 2, 2, 2, 5], height=4)
    (1.0, 1.0, 3.0, 3.0)
    """
    start, stop = run_lengths_to_intervals(counts)
    if not start.size:
        return 0.0, 0.0, 0.0, 0.0
    x_min, x_max = start[0] // height, (stop[-1] - 1) // height + 1
    y_min, y_max = interval_rows(start, stop, height)
    return float(x_min), float(y_min.min()), float(x_max), float(y_max.max())


def run_lengths_to_crop(counts: Runs, height: int) -> tuple[BoolMask, int, int]:
    """Draw only the foreground's box, and return it with its top row and left column; (0, 0) where there is none."""
    start, stop = run_lengths_to_intervals(counts)
    left, top, right, bottom = (int(v) for v in run_lengths_box(counts, height))
    rows = bottom - top
    # A foreground that goes on into the next column fills the height, so that pixels stay together in the box.
    moved = (start // height - left) * rows + start % height - top
    return draw_intervals(moved, stop - start, (right - left, rows)).T, top, left


def crop_to_run_lengths(crop: BoolMask, top: int, left: int, height: int, width: int) -> Counts:
    """Return the run lengths of an image that is background but for `crop` (h, w), which lies inside it."""
    rows = crop.shape[0]
    padded = np.zeros((crop.shape[1], rows + 1), dtype=np.bool_)
    padded[:, :rows] = crop.T
    start, stop = run_lengths_to_intervals(mask_to_run_lengths(padded.T))
    base = (start // (rows + 1) + left) * height + top
    moved = base + start % (rows + 1)
    owner = np.zeros(start.size, dtype=np.int64)
    return intervals_to_run_lengths(owner, moved, moved + stop - start, 1, height * width).values


def runs_from_row_major(starts: Runs, lengths: Runs, height: int, width: int) -> Counts:
    """Return COCO run lengths of runs counted row by row.

    Args:
        starts: (R,) first pixel of each run, row * width + column, in any order; runs may overlap.
        lengths: (R,) number of pixels.
        height: Height of the image.
        width: Width of the image.

    Raises:
        ValueError: A run leaves the image.
    """
    start, length = np.asarray(starts, dtype=np.int64), np.asarray(lengths, dtype=np.int64)
    size = height * width
    if start.shape != length.shape:
        raise ValueError(f"runs need as many starts as lengths, got {start.size} and {length.size}.")
    if start.size and (start.min() < 0 or length.min() < 0 or (start > size - length).any()):
        raise ValueError(f"runs must lie in the image of {width}x{height} pixels.")
    order = np.flatnonzero(length)[np.argsort(start[length > 0], kind="stable")]
    start, stop = merge_intervals(start[order], start[order] + length[order])
    if not start.size:
        return np.array([size], dtype=np.uint32)
    top, bottom = int(start[0] // width), int((stop[-1] - 1) // width + 1)
    first, last = interval_rows(start, stop, width)
    left, columns = int(first.min()), int(last.max() - first.min())
    moved = (start // width - top) * columns + start % width - left
    return crop_to_run_lengths(draw_intervals(moved, stop - start, (bottom - top, columns)), top, left, height, width)


def runs_to_row_major(counts: Runs, height: int, width: int) -> tuple[IntArray, IntArray]:
    """Return starts (row * width + column) and lengths of COCO run lengths counted row by row, in order."""
    crop, top, left = run_lengths_to_crop(counts, height)
    # Turning the axes makes rows of columns: the same as the run lengths of the image lying on its side.
    turned = crop_to_run_lengths(crop.T, left, top, width, height)
    start, stop = run_lengths_to_intervals(turned)
    return start, stop - start


def decompress_run_lengths(text: str) -> list[int]:
    """Return the run lengths in COCO's compressed string: 5 bits a character, differences from the fourth on.

    Raises:
        ValueError: `text` is not such a string.

    >>> decompress_run_lengths("52203")
    [5, 2, 2, 2, 5]
    """
    runs: list[int] = []
    # A difference of two 32-bit numbers takes at most 7 characters.
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 30:
            raise ValueError(f"compressed run lengths can't hold {character!r} there")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("compressed run lengths break off")
    return runs
