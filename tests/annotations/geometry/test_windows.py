import numpy as np
import pytest
from skimage.measure import regionprops

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.intervals import intervals_to_run_lengths
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.geometry.windows import crop_masks, embed_masks, mask_centroids, sample_masks

SIZE = (43, 57)


@pytest.fixture
def labels():
    """Blobs, of which some reach the borders and one fills three columns from top to bottom."""
    random = np.random.default_rng(0)
    labels = np.kron(random.integers(0, 30, (9, 12)), np.ones((5, 5), int)).astype(np.int32)[: SIZE[0], : SIZE[1]]
    labels[:, 20:23] = 31
    return labels


def drawn(masks, size):
    return [run_lengths_to_mask(masks.of(row), *size) for row in range(len(masks))]


@pytest.mark.parametrize("window", [(0, 0, *SIZE), (5, 7, 20, 30), (42, 0, 1, 57), (0, 21, 43, 1), (10, 50, 33, 7)])
def test_a_window_shows_of_masks_what_it_shows_of_their_image(window, labels):
    ids, _, counts = labels_to_objects(labels)
    masks, boxes = crop_masks(RunLengths.from_lists(counts), SIZE[0], window)
    top, left, height, width = window
    part = labels[top : top + height, left : left + width]
    for number, mask, box in zip(ids, drawn(masks, (height, width)), boxes, strict=True):
        assert np.array_equal(mask, part == number)
        rows, columns = np.nonzero(mask)
        edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if mask.any() else [0, 0, 0, 0]
        assert box.tolist() == edges


def test_masks_of_a_window_lie_in_the_image_where_it_lies(labels):
    _, _, counts = labels_to_objects(labels)
    window, size = (11, 3, *SIZE), (80, 75)
    masks, boxes = embed_masks(RunLengths.from_lists(counts), window, size)
    whole = np.zeros(size, np.int32)
    whole[11 : 11 + SIZE[0], 3 : 3 + SIZE[1]] = labels
    _, expected_boxes, expected = labels_to_objects(whole)
    assert [masks.of(row).tolist() for row in range(len(masks))] == [one.tolist() for one in expected]
    assert np.array_equal(boxes, expected_boxes)
    back, _ = crop_masks(masks, size[0], window)
    assert [back.of(row).tolist() for row in range(len(back))] == [one.tolist() for one in counts]


def test_centroids_are_those_of_scikit_image_and_an_empty_mask_has_none(labels):
    _, _, counts = labels_to_objects(labels)
    empty = np.array([labels.size], np.uint32)
    centroids = mask_centroids(RunLengths.from_lists([*counts, empty]), SIZE[0])
    assert np.allclose(centroids[:-1], [one.centroid for one in regionprops(labels)])
    assert np.isnan(centroids[-1]).all()


@pytest.mark.parametrize("size", [SIZE, (20, 31), (7, 57), (1, 1)])
def test_a_smaller_picture_shows_the_pixels_at_its_centres_and_no_mask_is_lost(size, labels):
    _, boxes, counts = labels_to_objects(labels)
    small = boxes * np.tile([size[1] / SIZE[1], size[0] / SIZE[0]], 2)
    masks = sample_masks(RunLengths.from_lists([*counts, counts[0][:0]]), np.vstack([small, small[:1]]), SIZE, size)
    assert len(masks.of(len(masks) - 1)) == 0  # an object without a mask has none
    rows, columns = (((np.arange(n) + 0.5) * whole / n).astype(int) for n, whole in zip(size, SIZE, strict=True))
    for row, count in enumerate(counts):
        sampled = run_lengths_to_mask(count, *SIZE)[np.ix_(rows, columns)]
        mask = run_lengths_to_mask(masks.of(row), *size)
        assert np.array_equal(mask, sampled) if sampled.any() else mask.sum() == 1


def test_no_masks_are_no_masks():
    none = RunLengths.from_lists([])
    assert len(crop_masks(none, 9, (0, 0, 3, 3))[0]) == len(embed_masks(none, (0, 0, 3, 3), (9, 9))[0]) == 0
    assert mask_centroids(none, 9).shape == (0, 2)


def test_an_image_whose_pixels_32_bits_cannot_count_is_refused():
    one = np.array([0]), np.array([5]), np.array([9])
    assert len(intervals_to_run_lengths(*one, 1, 2**32 - 1)) == 1
    with pytest.raises(ValueError, match="up to 4294967295 pixels, got 4294967296"):
        intervals_to_run_lengths(*one, 1, 2**32)
