import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops

from cell_pipelines.representations.base import Instances
from cell_pipelines.representations.cell_resizing import resize_cells
from cell_pipelines.representations.heat import heat_map
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.representations.rescaled import Rescaled
from cell_pipelines.thresholds import Threshold


def discs(shape=(60, 80), radius=7):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate([(12, 12), (12, 27), (40, 50), (59, 79)], start=1):
        labels[(np.hypot(rows - row, columns - column) <= radius) & (labels == 0)] = number
    return labels


@pytest.mark.parametrize("factor", [0.4, 0.8, 1.5, 2.0, 5.3])
def test_cells_keep_their_place_and_their_share_of_the_image(factor):
    labels = discs()
    size = (round(60 * factor), round(80 * factor))
    resized = resize_cells(labels, size)
    assert resized.shape == size and resized.dtype == np.int32
    before, after = regionprops(labels), regionprops(resized)
    assert [one.label for one in after] == [1, 2, 3, 4]
    for old, new in zip(before, after, strict=True):
        assert new.area / factor**2 == pytest.approx(old.area, rel=0.08 if factor >= 1 else 0.25)
        expected = (np.array(old.centroid) + 0.5) * factor - 0.5
        assert np.abs(np.array(new.centroid) - expected).max() < 0.35 * max(factor, 1)


def test_outlines_are_smooth_where_an_image_is_larger_than_what_the_network_saw():
    resized = resize_cells(discs(), (360, 480))
    stairs = np.kron(discs(), np.ones((6, 6), np.int32))
    smooth, stepped = (regionprops(labels)[0] for labels in (resized, stairs))
    assert smooth.perimeter < 0.95 * stepped.perimeter
    assert smooth.solidity > 0.97


def test_labels_of_the_images_own_size_are_the_same_array():
    labels = discs()
    assert resize_cells(labels, (60, 80)) is labels


@example(seed=65, height=9, width=9)
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1000), height=st.integers(9, 90), width=st.integers(9, 90))
def test_no_cell_is_lost_or_invented(seed, height, width):
    rng = np.random.default_rng(seed)
    labels = np.zeros((40, 40), np.int32)
    for number in range(1, 8):
        row, column = rng.integers(0, 36, 2)
        labels[row : row + rng.integers(1, 9), column : column + rng.integers(1, 9)] = number
    kept = np.unique(labels[labels > 0])
    assert set(np.unique(resize_cells(labels, (height, width)))) - {0} == set(kept)


@pytest.mark.parametrize("name", ["binary", "three_class", "distance"])
def test_stored_maps_of_another_scale_give_the_cells_in_the_images_pixels(name):
    representation = create_representation(name)
    scores = representation.reduce(representation.encode(discs()))
    threshold = representation.default_threshold(150.0)
    own = representation.decode(scores, threshold)
    found = Rescaled(representation, (150, 200)).decode(scores, threshold)
    assert found.labels.shape == (150, 200)
    assert found.labels.max() == own.labels.max() and np.array_equal(found.scores, own.scores)
    assert heat_map(representation, scores, (150, 200)).shape == (150, 200)


def test_cells_of_the_images_own_scale_stay_what_they_are():
    representation = create_representation("distance")
    scores = representation.reduce(representation.encode(discs()))
    own: Instances = representation.decode(scores, Threshold())
    assert np.array_equal(Rescaled(representation, (60, 80)).decode(scores, Threshold()).labels, own.labels)
