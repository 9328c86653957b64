"""Label images, in which the value of a pixel says which object it belongs to, and the objects they hold."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from skimage import measure

from cell_pipelines.annotations.columns import Rings, RunLengths
from cell_pipelines.annotations.geometry.intervals import (
    Counts,
    all_run_lengths_to_intervals,
    interval_boxes,
    intervals_to_run_lengths,
)
from cell_pipelines.annotations.geometry.rasterising import rings_to_spans
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet, box_array
from cell_pipelines.typing import BoolMask, FloatArray, IntArray, LabelImage

# Pixels painted at a time, so that objects lying over each other need no more memory than that.
_PIXELS_AT_A_TIME = 1 << 22


def labels_to_objects(labels: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], FloatArray, list[Counts]]:
    """Return what a label image (H, W) of whole numbers holds; 0 is background.

    Returns:
        The values that occur, ascending, shape (N,); the box around each in pixel edges, shape (N, 4); and the COCO
        run lengths of each.

    Raises:
        ValueError: `labels` has other than two dimensions.
        TypeError: `labels` are not whole numbers.
    """
    labels = _checked(labels)
    height, width = labels.shape
    flat = labels.T.ravel()
    start = np.flatnonzero(np.append(True, flat[1:] != flat[:-1])[: flat.size])
    stop, values = np.append(start[1:], flat.size)[: start.size], flat[start]
    inside = np.flatnonzero(values)
    ids, owner = np.unique(values[inside], return_inverse=True)
    order = np.argsort(owner, kind="stable")
    owner, start, stop = owner[order], start[inside[order]], stop[inside[order]]
    runs = intervals_to_run_lengths(owner, start, stop, len(ids), height * width)
    boxes = interval_boxes(owner, start, stop, len(ids), height)
    return ids, boxes, [runs.of(row) for row in range(len(ids))]


def _checked(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if labels.ndim != 2:
        raise ValueError(f"`labels` must have the shape (H, W), got {labels.shape}.")
    if labels.dtype.kind not in "iub":
        raise TypeError(f"`labels` must be whole numbers, got {labels.dtype}.")
    return labels


def objects_to_labels(annotations: AnnotationSet) -> tuple[LabelImage, IntArray]:
    """Draw the objects of one image as labels; where objects overlap, the first keeps the pixel.

    A pixel belongs to a box or polygon when its centre lies inside. Points have no pixels.

    Returns:
        Labels (H, W), 0 for background and otherwise 1 + the object's row, and how many pixels each object lost to
        earlier ones, shape (N,).

    Raises:
        ValueError: `annotations` holds another number of images than one, or a mask is larger than its image.
    """
    if annotations.n_images != 1:
        raise ValueError(f"`annotations` must hold one image, got {annotations.n_images}.")
    height, width = (int(annotations.images[side][0].as_py()) for side in ("height", "width"))
    owner, start, stop = _intervals(annotations, height, width)
    if stop.size and stop.max() > height * width:
        raise ValueError(f"masks must have {height * width} pixels as their image has, got {stop.max()} and more.")
    flat = np.zeros(height * width, dtype=np.int32)
    _paint(flat, owner, start, stop)
    areas = np.bincount(owner, weights=stop - start, minlength=annotations.n_objects).astype(np.int64)
    seen = np.bincount(flat[flat > 0], minlength=annotations.n_objects + 1)[1:]
    return np.ascontiguousarray(flat.reshape(width, height).T), areas - seen


def _intervals(annotations: AnnotationSet, height: int, width: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return object, start and stop of what all objects cover, the last object first."""
    objects = annotations.objects
    codes = objects["geometry"].to_numpy()
    runs = all_run_lengths_to_intervals(RunLengths.from_arrow(objects["counts"]))
    polygons = rings_to_spans(Rings.from_arrow(objects["rings"]), height, width).intervals(height)
    parts = [
        tuple(column[codes[part[0]] == GEOMETRIES.index(kind)] for column in part)
        for kind, part in (("mask", runs), ("polygon", polygons))
    ]
    parts.append(_box_intervals(np.flatnonzero(codes == GEOMETRIES.index("box")), box_array(objects), height, width))
    owner, start, stop = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(-owner, kind="stable")
    return owner[order], start[order], stop[order]


def _box_intervals(rows: IntArray, boxes: FloatArray, height: int, width: int) -> tuple[IntArray, IntArray, IntArray]:
    edges = np.clip(np.ceil(boxes[rows] - 0.5), 0, [width, height, width, height]).astype(np.int64)
    left, top, right, bottom = edges.T
    columns = np.where(bottom > top, np.maximum(right - left, 0), 0)
    of = np.repeat(np.arange(len(rows)), columns)
    column = left[of] + np.arange(of.size) - np.repeat(np.cumsum(columns) - columns, columns)
    return rows[of], column * height + top[of], column * height + bottom[of]


def _paint(flat: LabelImage, owner: IntArray, start: IntArray, stop: IntArray) -> None:
    """Give the pixels of each interval, in place, the number of its object, later intervals over earlier ones."""
    length = stop - start
    total = np.cumsum(length)
    begin = 0
    while begin < total.size:
        done = int(total[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, done + _PIXELS_AT_A_TIME)))
        some = length[begin:end]
        pixels = np.arange(int(some.sum())) + np.repeat(start[begin:end] - (total[begin:end] - some - done), some)
        flat[pixels] = np.repeat(owner[begin:end] + 1, some)
        begin = end


def binary_to_labels(mask: BoolMask, connectivity: Literal[4, 8] = 8) -> LabelImage:
    """Number the connected pieces of a mask (H, W) in the order of their first pixels, row by row; 0 is background.

    With `connectivity` 8 diagonal neighbours are connected, with 4 they are not.
    """
    return split_pieces(np.asarray(mask, dtype=np.bool_), connectivity)


def split_pieces(labels: npt.NDArray[Any], connectivity: Literal[4, 8] = 8) -> LabelImage:
    """Give each connected piece of one value in a label image (H, W) a number of its own; 0 stays background."""
    pieces = np.zeros(labels.shape, dtype=np.int32)
    inside = foreground_window(labels)
    pieces[inside] = measure.label(labels[inside], background=0, connectivity=connectivity // 4)
    return pieces


def foreground_window(labels: npt.NDArray[Any]) -> tuple[slice, slice]:
    """Return rows and columns of the smallest window that holds all that isn't 0; an empty one where all is.

    What is done within takes time and memory by what lies in an image, not by its size.
    """
    rows = np.flatnonzero(labels.any(axis=1))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    columns = np.flatnonzero(labels[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
