"""Texture against scikit-image on rectangles, and against pairs counted one by one on any cell."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from skimage.feature import graycomatrix, graycoprops

from cell_pipelines.analysis.morphology.spans import find_spans
from cell_pipelines.analysis.morphology.texture import TEXTURES, measure_textures

ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]


def test_a_rectangle_has_the_texture_of_scikit_image(to_cells) -> None:
    grey = np.random.default_rng(0).integers(0, 8, (20, 30))
    labels = np.zeros((20, 30), int)
    labels[3:12, 5:25] = 1
    found = measure_textures(find_spans(to_cells(labels)), grey, ["a"], levels=8, grey_range=(0, 8))
    pairs = graycomatrix(grey[3:12, 5:25].astype(np.uint8), [1], ANGLES, levels=8, symmetric=True)
    for name in TEXTURES:
        their = "ASM" if name == "asm" else name
        assert_allclose(found[f"texture_{name}_a"], graycoprops(pairs, their).mean(), rtol=1e-12)


def test_only_pairs_within_the_cell_count(labels, to_cells) -> None:
    grey = np.random.default_rng(0).integers(0, 4, labels.shape)
    found = measure_textures(find_spans(to_cells(labels)), grey, ["a"], levels=4, grey_range=(0, 4))
    again = measure_textures(
        find_spans(to_cells(labels)), np.where(labels > 0, grey, 3 - grey), ["a"], levels=4, grey_range=(0, 4)
    )
    for name in TEXTURES:
        assert_allclose(found[f"texture_{name}_a"], again[f"texture_{name}_a"])
    expected = [_contrast(labels == value, grey) for value in np.unique(labels[labels > 0])]
    assert_allclose(found["texture_contrast_a"], expected)


def _contrast(mask: np.ndarray, grey: np.ndarray) -> float:
    means = []
    for row, column in ((0, 1), (1, 1), (1, 0), (1, -1)):
        places = [(r, c) for r, c in np.argwhere(mask).tolist()]
        inside = set(places)
        squares = [
            (int(grey[r, c]) - int(grey[r + row, c + column])) ** 2
            for r, c in places
            if (r + row, c + column) in inside
        ]
        means += [np.mean(squares)] if squares else []
    return float(np.mean(means)) if means else np.nan


def test_a_single_pixel_has_no_texture_and_a_flat_image_no_contrast(to_cells) -> None:
    labels = np.zeros((6, 6), int)
    labels[0, 0], labels[2:, 2:] = 1, 2
    found = measure_textures(find_spans(to_cells(labels)), np.full((6, 6, 2), 7, np.uint8), ["a", "b"])
    assert next(iter(found)) == "texture_contrast_a" and len(found) % 2 == 0
    assert np.isnan(found["texture_asm_a"]).tolist() == [True, False]
    assert (found["texture_contrast_b"][1], found["texture_correlation_b"][1]) == (0, 1)


@pytest.mark.parametrize("size", [(5, 6), (0, 0)])
def test_no_cells_have_no_texture(size, to_cells) -> None:
    found = measure_textures(find_spans(to_cells(np.zeros(size, int))), np.zeros(size), ["a"])
    assert all(values.shape == (0,) for values in found.values())
