"""Outlines of masks along the edges of their pixels, as rings that give the mask back to the pixel."""

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.columns import Rings, RunLengths, starts_of
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals, split_at_columns
from cell_pipelines.typing import IntArray


def all_run_lengths_to_rings(runs: RunLengths, height: int) -> Rings:
    """Return the exact outlines of many masks of one height along their pixels' edges, vertices in x, y.

    One ring goes around each 4-connected piece and one around each hole; the fill of all by the even-odd rule is the
    mask. Pieces turn clockwise on the screen (positive by the shoelace formula) and holes the other way, so that
    signed areas add up to the number of pixels. Vertices stand at corners only; the first is the topmost, then
    leftmost, and no ring comes there twice. Pixels that meet at a corner do not cross there.
    """
    return trace_outlines(*all_run_lengths_to_intervals(runs), len(runs), height)


def trace_outlines(owner: IntArray, start: IntArray, stop: IntArray, n_objects: int, height: int) -> Rings:
    """Return the outlines of many masks of one height at once.

    Args:
        owner: (I,) object of each interval, ascending.
        start: (I,) first pixel, counted column by column, ascending within an object.
        stop: (I,) pixel after the last; intervals of one object neither touch nor overlap.
        n_objects: Number of objects; one without interval has no ring.
        height: Height of the image.

    Returns:
        Rings as `all_run_lengths_to_rings` gives them.
    """
    if not start.size:
        return Rings(np.zeros((0, 2)), np.zeros(1, np.int64), np.zeros(n_objects + 1, np.int64))
    number, column, top, bottom = split_at_columns(start, stop, height)
    across = int(column.max()) + 2
    key, kind = _corners(owner[number] * across + column, top, bottom, height + 1)
    line, y = np.divmod(key, height + 1)
    of, x = np.divmod(line, across)
    by_rows, partner = _neighbours_in_rows((of * (height + 1) + y) * across + x, key, kind)
    order, starts = _walk(partner, by_rows, kind == _STOP_RIGHT)
    vertices = np.stack([x[order], y[order]], axis=1).astype(np.float64)
    rings = np.bincount(of[order[starts]], minlength=n_objects)
    return Rings(vertices, np.append(starts, len(order)), starts_of(rings))


# What a column's foreground does at a corner: it starts or stops there, in the column right or left of the corner.
_START_RIGHT, _STOP_RIGHT, _START_LEFT, _STOP_LEFT = 1, 2, 4, 8
_STRAIGHT = (_START_RIGHT + _START_LEFT, _STOP_RIGHT + _STOP_LEFT)
_RISING, _FALLING = _STOP_RIGHT + _START_LEFT, _START_RIGHT + _STOP_LEFT


def _corners(line: IntArray, top: IntArray, bottom: IntArray, rows: int) -> tuple[IntArray, IntArray]:
    """Return every corner, column by column, as ``line * rows + row``, and its kind; two where pixels meet diagonally.

    In this order an outline goes straight down from each corner of even number to the next.
    """
    right = line * rows
    left = right + rows
    events = [right + top, right + bottom, left + top, left + bottom]
    kinds = (_START_RIGHT, _STOP_RIGHT, _START_LEFT, _STOP_LEFT)
    packed = np.sort(np.concatenate([(e << 4) | k for e, k in zip(events, kinds, strict=True)]))
    key = packed >> 4
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    kind = np.add.reduceat(packed & 15, first)
    repeats = np.where((kind == _RISING) | (kind == _FALLING), 2, 1)
    repeats[(kind == _STRAIGHT[0]) | (kind == _STRAIGHT[1])] = 0
    return np.repeat(key[first], repeats), np.repeat(kind, repeats)


def _neighbours_in_rows(place: IntArray, key: IntArray, kind: IntArray) -> tuple[list[int], list[int]]:
    """Return the corners row by row, and for each corner the one at the other end of its edge along the row."""
    # Of two corners in one place the first goes up and the second down; pixels that rise join up with right.
    is_second = np.append(False, key[1:] == key[:-1])
    goes_right = is_second ^ (kind == _RISING)
    order = np.argsort(place * 2 + goes_right)
    partner = np.empty_like(order)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    return order.tolist(), partner.tolist()


def _walk(partner: list[int], candidates: list[int], is_hole: npt.NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """Follow edges along rows and columns in turn; return the corners ring after ring and where each ring starts."""
    seen = bytearray(len(partner))
    hole = is_hole.tolist()
    order: list[int] = []
    starts: list[int] = []
    for first in candidates:
        if seen[first]:
            continue
        starts.append(len(order))
        here, downwards = first, hole[first]
        while not seen[here]:
            there = here ^ 1 if downwards else partner[here]
            seen[here] = seen[there] = 1
            order += (here, there)
            here = partner[there] if downwards else there ^ 1
    return np.array(order, dtype=np.int64), np.array(starts, dtype=np.int64)
