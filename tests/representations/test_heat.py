"""Every representation has a map of being in a cell, high in cells and low outside."""

import numpy as np
import pytest

from cell_pipelines.representations.heat import heat_map
from cell_pipelines.representations.registry import REPRESENTATIONS, create_representation

LABELS = np.zeros((48, 64), np.int32)
LABELS[8:24, 8:24], LABELS[26:44, 36:58] = 1, 2


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_the_map_of_a_perfect_network_is_high_in_cells_and_low_outside(name: str) -> None:
    representation = create_representation(name)
    scores = representation.reduce(representation.encode(LABELS).astype(np.float32))
    heat = heat_map(representation, scores, LABELS.shape)
    assert heat.shape == LABELS.shape
    assert heat.dtype == np.float32
    assert 0 <= heat.min() <= heat.max() <= 1
    assert heat[LABELS > 0].mean() > 0.6
    assert heat[LABELS == 0].mean() < 0.1


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_an_image_without_cells_is_cold(name: str) -> None:
    representation = create_representation(name)
    empty = np.zeros((16, 24), np.int32)
    scores = representation.reduce(representation.encode(empty).astype(np.float32))
    assert heat_map(representation, scores, empty.shape).max() == 0
