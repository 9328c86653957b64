"""Seeded sets of true and predicted boxes and label images, awkward on purpose, for all tests of the metrics."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

SceneMaker = Callable[..., "Scene"]
LabelPair = tuple[NDArray[np.int32], NDArray[np.int32]]
LabelMaker = Callable[..., LabelPair]


@dataclass(frozen=True)
class Scene:
    """True and predicted boxes of several images as plain columns, in whole quarters of a pixel."""

    n_images: int
    n_categories: int
    true_image: NDArray[np.int64]
    true_category: NDArray[np.int64]
    true_boxes: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    image: NDArray[np.int64]
    category: NDArray[np.int64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]


@pytest.fixture
def make_scene() -> SceneMaker:
    """A maker of scenes: tied scores, equal boxes, ignored regions, an empty image, a category without truth."""
    return _make_scene


@pytest.fixture
def make_labels() -> LabelMaker:
    """A maker of true and predicted labels: shifted, split, merged, missed and spurious cells, ids with gaps."""
    return _make_labels


def _make_labels(seed: int, *, shape: tuple[int, int] = (60, 80), n_cells: int = 30, step: int = 3) -> LabelPair:
    """Rectangles of a few pixels, so that IoUs are small fractions and often exactly a threshold."""
    rng = np.random.default_rng(seed)
    true, predicted = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    for cell in range(1, n_cells + 1):
        height, width = rng.integers(2, 11, 2)
        row, column = rng.integers(0, shape[0] - height), rng.integers(0, shape[1] - width)
        place = np.s_[row : row + height, column : column + width]
        kind = rng.integers(0, 8)
        if kind != 0:
            true[place] = step * cell
        if kind != 1:
            shift = rng.integers(-1, 3, 2)
            top, left = max(row + shift[0], 0), max(column + shift[1], 0)
            predicted[top : row + height, left : column + width] = 2 * step * (cell if kind != 2 else max(1, cell - 1))
        if kind == 3:
            predicted[row : row + height // 2, column : column + width] = 2 * step * n_cells + cell
    return true, predicted


def _make_scene(seed: int, *, n_images: int = 7, per_image: int = 25, crowd: float = 0.0) -> Scene:
    """Image 0 is empty, 1 has only truth, 2 only predictions; category 3 is only ever predicted."""
    rng = np.random.default_rng(seed)
    true_image = rng.integers(3, n_images, per_image * (n_images - 3))
    true_image[:5] = 1
    true_boxes = _random_boxes(rng, true_image.size)
    true_boxes[-3:] = true_boxes[-1]  # three cells in one place: exact ties of IoU
    true_image[-3:] = true_image[-1]
    true_category = rng.integers(0, 3, true_image.size)
    seen = np.flatnonzero(true_image != 1)
    seen = seen[rng.random(seen.size) < 0.85]
    jitter = np.round(rng.normal(0, 2, (seen.size, 2)) * 4) / 4
    found = true_boxes[seen] + np.tile(jitter, 2)
    spurious = per_image
    image = np.concatenate([true_image[seen], rng.choice([2, *range(3, n_images)], spurious)])
    category = np.concatenate([true_category[seen], rng.integers(0, 4, spurious)])
    shuffled = rng.permutation(image.size)
    boxes = np.vstack([found, _random_boxes(rng, spurious)])
    return Scene(
        n_images,
        4,
        true_image,
        true_category,
        true_boxes,
        rng.random(true_image.size) < crowd,
        image[shuffled],
        category[shuffled],
        boxes[shuffled],
        np.round(rng.random(image.size), 1),
    )


def _random_boxes(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    corner = rng.integers(0, 400, (count, 2)) / 4
    return np.hstack([corner, corner + rng.integers(20, 80, (count, 2)) / 4])
