"""Recognise what the numbers of a label picture mean: cells, classes, a mask, or grey values of a photograph."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.geometry.label_images import foreground_window, split_pieces
from cell_pipelines.annotations.geometry.scatter import are_scattered

Raster = npt.NDArray[Any]
Kind = Literal["empty", "full", "binary", "lossy_binary", "classes", "grey", "labels"]

# Grey values are at least so many, and each lies in more pieces than a cell has.
_GREY_VALUES, _GREY_PIECES = 16, 4
# Compression moves the two values of a mask by little; between them lie at most the pixels of smoothed edges.
_LOSSY_STEP, _LOSSY_SHARE, _LOSSY_RANGE = 0.15, 0.85, 64
# Share of the most frequent value on the smaller and on the larger side, and of pixels between that form no line.
_FLAT_SHARES, _INSIDE_SHARE = (0.15, 0.3), 0.15


@dataclass(frozen=True)
class ValueSurvey:
    """Survey of the values above 0 of a picture.

    Attributes:
        values: The values, ascending, shape (N,).
        pieces: In how many connected pieces each lies, shape (N,).
        scattered: Whether each lies in pieces too far apart, or too many, for one cell, shape (N,).
    """

    values: Raster
    pieces: npt.NDArray[np.int64]
    scattered: npt.NDArray[np.bool_]


def survey_values(labels: Raster) -> ValueSurvey:
    """Return in which pieces the values of a label image (H, W) of whole numbers lie; 0 and below is background."""
    labels = np.where(labels > 0, labels, 0)
    labels = labels[foreground_window(labels)]
    numbered = split_pieces(labels)
    flat = numbered.ravel()
    areas = np.bincount(flat)[1:]
    values, owner = np.unique(labels.ravel()[_first_places(flat, len(areas))], return_inverse=True)
    pieces = np.bincount(owner, minlength=len(values))

    def centroids(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        rows, columns = np.nonzero(np.append(False, chosen)[numbered])
        piece = numbered[rows, columns] - 1
        sums = [np.bincount(piece, weights=axis, minlength=len(areas)) for axis in (rows, columns)]
        return np.stack(sums, axis=1)[chosen] / areas[chosen, None]

    return ValueSurvey(values, pieces, are_scattered(owner, areas, len(values), centroids))


def _first_places(flat: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.int64]:
    """Return a pixel of each of the pieces 1 to `count`."""
    places = np.empty(count + 1, dtype=np.int64)
    places[flat] = np.arange(flat.size)
    return places[1:]


def kind_of(labels: Raster) -> Kind:
    """Return what the numbers of a picture (H, W) probably are.

    ``full`` has one value above 0 and no other; ``lossy_binary`` is a mask that went through lossy compression;
    ``classes`` a map in which most values lie in many pieces; ``grey`` a photograph or a map of probabilities;
    ``labels`` numbers of cells.
    """
    values = np.unique(labels)
    above = values[values > 0]
    if len(values) == 1 or not len(above):
        return "full" if len(above) else "empty"
    if len(above) == 1:
        return "binary"
    if is_lossy_mask(labels):
        return "lossy_binary"
    # A map without 0 has a class for the background, the most frequent one.
    common = None if 0 in values else values[np.argmax([(labels == value).sum() for value in values[:_GREY_VALUES]])]
    survey = survey_values(labels)
    is_many = len(above) >= _GREY_VALUES
    if is_many and (survey.pieces.sum() > _GREY_PIECES * len(above) or _follows_a_surface(labels, values)):
        return "grey"
    foreground = survey.values != common if common is not None else np.ones(len(above), np.bool_)
    return "classes" if 2 * survey.scattered[foreground].sum() > foreground.sum() else "labels"


def is_lossy_mask(labels: Raster) -> bool:
    """Say whether the picture (H, W) is a mask of two values that compression or smoothing has blurred."""
    low, high = int(labels.min()), int(labels.max())
    if high - low < _LOSSY_RANGE:
        return False
    step = _LOSSY_STEP * (high - low)
    below, above = labels <= low + step, labels >= high - step
    between = ~(below | above)
    if between.mean() > 1 - _LOSSY_SHARE or _has_inside(between):
        return False
    counts = sorted((np.unique(labels[side], return_counts=True)[1] for side in (below, above)), key=np.sum)
    # Flat areas stay as they are, at least in part; numbers of cells are no neighbours of each other.
    flat = all(own.max() >= share * own.sum() for own, share in zip(counts, _FLAT_SHARES, strict=True))
    return flat and len(np.unique(labels)) > 2 and _varies_within_pieces(labels, above)


def _has_inside(mask: npt.NDArray[np.bool_]) -> bool:
    """Say whether a mask is more than lines: a good part of it has neighbours of its own on all four sides."""
    inside = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return int(inside.sum()) > _INSIDE_SHARE * int(mask.sum())


def _varies_within_pieces(labels: Raster, mask: npt.NDArray[np.bool_]) -> bool:
    """Say whether most connected pieces of a mask hold several values, as compression leaves them."""
    pieces = split_pieces(mask)
    count = int(pieces.max())
    varies = np.zeros(count + 1, dtype=np.bool_)
    for first, second, number in (
        (labels[:, 1:], labels[:, :-1], pieces[:, 1:] * (pieces[:, :-1] > 0)),
        (labels[1:], labels[:-1], pieces[1:] * (pieces[:-1] > 0)),
    ):
        varies[number[first != second]] = True
    return 2 * int(varies[1:].sum()) > count


def _follows_a_surface(labels: Raster, values: Raster) -> bool:
    """Say whether neighbouring pixels of different value mostly differ by one step, in rows and in columns alike."""
    shares = []
    for first, second in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        changes = (first != second) & (first > 0) & (second > 0)
        steps = np.abs(np.searchsorted(values, first[changes]) - np.searchsorted(values, second[changes]))
        shares.append(float((steps == 1).mean()) if steps.size > len(values) else 0.0)
    return min(shares) > 0.5
