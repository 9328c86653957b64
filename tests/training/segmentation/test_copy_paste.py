"""Cells are copied into gaps with their labels and weights, and touch no other."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import ndimage

from cell_pipelines.representations.registry import create_representation
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.copy_paste import CutWindow, list_cells, paste_cells
from cell_pipelines.training.segmentation.samples import Sample
from cell_pipelines.training.segmentation.tile_dataset import Cutting, Draw, TileDataset, cut_window


def field(centres=((20, 20), (20, 44), (50, 20), (2, 60)), size=96, categories=1, dtype=np.uint8):
    """Return a sample of bright discs of radius 5 on a ground of 20; the last touches the border of the image."""
    rows, columns = np.mgrid[:size, :size]
    labels = np.zeros((categories, size, size), np.uint16)
    for number, (row, column) in enumerate(centres):
        labels[number % categories][(rows - row) ** 2 + (columns - column) ** 2 <= 25] = number + 1
    image = np.where(labels.any(axis=0), 200, 20).astype(np.uint8)[..., None]
    image = image if dtype == np.uint8 else image.astype(np.float32) / 255
    return Sample("a", image, labels, np.ones(labels.shape, np.float16) * 2, pa.table({}), np.zeros(0, np.int64))


def pasted(sample, count=6, seed=0):
    whole = CutWindow(*cut_window(sample, (0, 0, *sample.image.shape[:2])))
    return whole, paste_cells(whole, sample, list_cells(sample), count, np.random.default_rng(seed))


def test_cells_at_the_border_of_the_image_are_not_copied():
    assert [cell[1] for cell in list_cells(field())] == [1, 2, 3]


@pytest.mark.parametrize("categories", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_copies_have_new_labels_touch_no_cell_and_are_bright_where_they_are(seed, categories):
    sample = field(categories=categories)
    before, after = pasted(sample, seed=seed)
    new = after.labels > before.labels.max()
    assert np.array_equal(after.labels[~new], before.labels[~new])
    assert 3 <= len(np.unique(after.labels[new])) <= 6
    # Every cell stays a piece of its own, with a gap around it.
    alone = after.labels.any(axis=0)
    _, pieces = ndimage.label(alone, np.ones((3, 3)))
    assert pieces == len(np.unique(after.labels)) - 1
    assert np.bincount(after.labels[new])[after.labels[new].min() :].tolist() == [81] * len(
        np.unique(after.labels[new])
    )
    inside = ndimage.binary_erosion(new.any(axis=0), np.ones((3, 3)), iterations=2)
    assert (after.pixels[inside] > 170).all()
    far = ~ndimage.binary_dilation(alone, iterations=6)
    assert np.array_equal(after.pixels[far], before.pixels[far])


def test_nothing_that_is_kept_is_changed_and_the_same_seed_gives_the_same():
    sample = field(dtype=np.float32)
    image, labels = sample.image.copy(), sample.labels.copy()
    _, first = pasted(sample)
    _, second = pasted(sample)
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(sample.image, image) and np.array_equal(sample.labels, labels)
    assert first.pixels.dtype == np.float32 and first.pixels.max() <= 1


def test_weights_move_along_and_a_window_without_a_gap_stays_as_it_is():
    sample = field()
    sample.weights[sample.labels > 0] = 7
    _, after = pasted(sample)
    assert (after.weights[after.labels > 0] == 7).all()
    full = CutWindow(*cut_window(field(), (15, 15, 10, 10)))
    for one, other in zip(
        paste_cells(full, field(), list_cells(field()), 5, np.random.default_rng(0)), full, strict=True
    ):
        assert np.array_equal(one, other)


def test_an_image_without_cells_gets_none():
    empty = field(centres=())
    before, after = pasted(empty)
    assert not after.labels.any() and np.array_equal(before.pixels, after.pixels)


def test_tiles_show_more_cells_and_are_moved_as_they_were():
    sample = field(size=64)
    usual, filled = (
        TileDataset([sample], create_representation("binary"), Cutting(64, 0, False, Augmentation(**options), 1))
        for options in ({"vertical_flip": 0.5}, {"vertical_flip": 0.5, "copy_paste": 6})
    )
    more = 0
    for number in range(8):
        (_, labels, _), (_, others, _) = (one.cut(Draw(0, 0, number)) for one in (usual, filled))
        assert (others[labels > 0] == labels[labels > 0]).all()
        more += len(np.unique(others)) - len(np.unique(labels))
    assert more > 8
