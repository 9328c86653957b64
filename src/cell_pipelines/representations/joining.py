"""Join neighbouring cells between which an elevation map hardly falls: two peaks on one ridge are one cell."""

from collections.abc import Iterable

import numpy as np

from cell_pipelines.representations.peaks import split_at_peaks
from cell_pipelines.typing import Float32Array, FloatArray, IntArray, LabelImage


def check_most_pass(most_pass: float) -> None:
    """Refuse a share that is none.

    Raises:
        ValueError: It is not above 0 and at most 1.
    """
    if not 0 < most_pass <= 1:
        raise ValueError(f"`most_pass` must be above 0 and at most 1, got {most_pass}.")


def separate_by_shape(
    components: LabelImage, squared: Float32Array, min_distance_px: float, most_pass: float
) -> LabelImage:
    """Return connected cells cut apart between centres with a waist between them.

    Args:
        components: (H, W) int32, each number one 4-connected component.
        squared: (H, W) their `peaks.squared_distance`.
        min_distance_px: Least distance of two centres in pixels.
        most_pass: As of `join_shallow`, of distances.
    """
    return join_shallow(split_at_peaks(components, squared, min_distance_px), squared, most_pass**2)


def join_shallow(labels: LabelImage, elevation: Float32Array, most_pass: float) -> LabelImage:
    """Return cells, those joined whose pass is almost as high as the lower one of their peaks.

    A pass is the highest place of the border of two cells: there the lower one of two pixels side by side counts.
    Higher passes are looked at first, and what was joined has the higher peak.

    Args:
        labels: (H, W) int32 cells, 0 for background.
        elevation: (H, W) float32, 0 or more.
        most_pass: Above this share of the lower peak a pass joins two cells; 1 joins none.

    Returns:
        Labels (H, W); joined cells have the lowest number of their pieces.
    """
    if most_pass >= 1 or labels.max(initial=0) < 2:
        return labels
    peaks = np.zeros(int(labels.max()) + 1, dtype=np.float32)
    np.maximum.at(peaks, labels.ravel(), elevation.ravel())
    pairs, heights = _passes(labels, elevation)
    owners = np.arange(peaks.size, dtype=np.int32)
    for first, second in _joined(pairs[np.argsort(-heights, kind="stable")], np.sort(heights)[::-1], peaks, most_pass):
        owners[owners == second] = first
    return np.asarray(owners[labels], dtype=np.int32)


def _joined(pairs: IntArray, heights: FloatArray, peaks: Float32Array, most_pass: float) -> Iterable[tuple[int, int]]:
    """Yield which cell takes which other, in order; pairs from the highest pass down."""
    taken: dict[int, int] = {}
    height_of = peaks.astype(np.float64)
    for pair, height in zip(pairs.tolist(), heights.tolist(), strict=True):
        first, second = sorted(_owner(cell, taken) for cell in pair)
        if first != second and height > most_pass * min(height_of[first], height_of[second]):
            height_of[first] = max(height_of[first], height_of[second])
            taken[second] = first
            yield first, second


def _owner(cell: int, taken: dict[int, int]) -> int:
    while cell in taken:
        cell = taken[cell]
    return cell


def _passes(labels: LabelImage, elevation: Float32Array) -> tuple[IntArray, FloatArray]:
    """Return neighbouring cells (N, 2), the lower number first, and the height (N,) of the pass of each two."""
    sides = (np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])
    found = []
    for one, other in sides:
        touching = (labels[one] != labels[other]) & (labels[one] > 0) & (labels[other] > 0)
        cells = np.sort(np.stack([labels[one][touching], labels[other][touching]], axis=1), axis=1)
        found.append((cells, np.minimum(elevation[one], elevation[other])[touching]))
    cells, heights = (np.concatenate(parts) for parts in zip(*found, strict=True))
    pairs, place = np.unique(cells, axis=0, return_inverse=True)
    highest = np.zeros(len(pairs), dtype=np.float64)
    np.maximum.at(highest, place.ravel(), heights)
    return pairs, highest
