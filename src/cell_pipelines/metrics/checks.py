"""Check the columns and images that every metric accepts.

Boxes come as rows of x_min, y_min, x_max, y_max in pixels, scores and categories as one value per box, points as
rows of row and column, labels and masks as images (H, W). Each function returns the argument in the type the
computing code wants, or says in one sentence what is wrong with it.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_boxes(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return boxes as float64.

    Args:
        values: Boxes (N, 4), any real dtype, x_min, y_min, x_max, y_max in pixels. N may be 0; a box may have
            no area.
        name: The argument's name, for the error.

    Returns:
        Boxes (N, 4) float64.

    Raises:
        ValueError: If the shape is not (N, 4), a value is not finite, or a box ends before it starts.
    """
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"`{name}` must have shape (N, 4), got {boxes.shape}.")
    if not np.isfinite(boxes).all():
        raise ValueError(f"`{name}` must be finite, got a nan or an infinity.")
    backwards = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if backwards.any():
        row = int(np.argmax(backwards))
        raise ValueError(
            f"`{name}` must be x_min, y_min, x_max, y_max with x_min <= x_max and y_min <= y_max, "
            f"got {boxes[row].tolist()} in row {row}."
        )
    return boxes


def check_scores(values: ArrayLike, name: str, *, length: int) -> NDArray[np.float64]:
    """Return scores as float64.

    Args:
        values: Scores (N,), any real dtype, in [0, 1].
        name: The argument's name, for the error.
        length: How many there must be.

    Returns:
        Scores (N,) float64.

    Raises:
        ValueError: If the shape is not (length,) or a score lies outside [0, 1] or is nan.
    """
    scores = np.asarray(values, dtype=np.float64)
    _check_length(scores.shape, name, length)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(f"`{name}` must lie in [0, 1], got {scores.min()} to {scores.max()}.")
    return scores


def check_indices(values: ArrayLike, name: str, *, length: int) -> NDArray[np.int64]:
    """Return categories or image indices as int64.

    Args:
        values: Whole numbers (N,), 0 or more. An empty column may have any dtype.
        name: The argument's name, for the error.
        length: How many there must be.

    Returns:
        Indices (N,) int64.

    Raises:
        ValueError: If the shape is not (length,) or an index is negative.
        TypeError: If the values are not whole numbers.
    """
    indices = np.asarray(values)
    _check_length(indices.shape, name, length)
    if indices.size and not np.issubdtype(indices.dtype, np.integer):
        raise TypeError(f"`{name}` must have an integer dtype, got {indices.dtype}.")
    if indices.size and indices.min() < 0:
        raise ValueError(f"`{name}` must not be negative, got {indices.min()}.")
    return indices.astype(np.int64)


def check_flags(values: ArrayLike, name: str, *, length: int) -> NDArray[np.bool_]:
    """Return flags as bool.

    Args:
        values: Flags (N,) bool. An empty column may have any dtype.
        name: The argument's name, for the error.
        length: How many there must be.

    Returns:
        Flags (N,) bool.

    Raises:
        ValueError: If the shape is not (length,).
        TypeError: If the values are not bool; 0 and 1 are not taken for flags.
    """
    flags = np.asarray(values)
    _check_length(flags.shape, name, length)
    if flags.size and flags.dtype != np.bool_:
        raise TypeError(f"`{name}` must have dtype bool, got {flags.dtype}.")
    return flags.astype(np.bool_)


def check_points(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return points as float64.

    Args:
        values: Points (N, 2) as (row, column), any real dtype. N may be 0.
        name: The argument's name, for the error.

    Returns:
        Points (N, 2) float64.

    Raises:
        ValueError: If the shape is not (N, 2) or a value is not finite.
    """
    points = np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"`{name}` must have shape (N, 2), one row and column a point, got {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError(f"`{name}` must be finite, got a nan or an infinity.")
    return points


def check_labels(values: ArrayLike, name: str, *, shape: tuple[int, ...] | None = None) -> NDArray[np.integer[Any]]:
    """Return a label image as it is.

    Args:
        values: Labels (H, W), any integer dtype, 0 or more.
        name: The argument's name, for the error.
        shape: The shape it must have; None for any (H, W).

    Returns:
        The labels, not copied.

    Raises:
        ValueError: If the shape is wrong or a label is negative.
        TypeError: If the labels are not whole numbers; a bool mask holds no labels.
    """
    labels = np.asarray(values)
    if labels.ndim != 2 or (shape is not None and labels.shape != shape):
        raise ValueError(f"`{name}` must have shape {'(H, W)' if shape is None else shape}, got {labels.shape}.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"`{name}` must have an integer dtype, got {labels.dtype}.")
    if labels.size and labels.dtype.kind == "i" and labels.min() < 0:
        raise ValueError(f"`{name}` must not be negative, got {labels.min()}.")
    return labels


def _check_length(shape: tuple[int, ...], name: str, length: int) -> None:
    if shape != (length,):
        raise ValueError(f"`{name}` must have shape ({length},), one value per row, got {shape}.")
