import numpy as np
import pytest

from cell_pipelines.inference.engines.outputs import compare_outputs, sample_images


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 40, 24)])
def test_sample_images_fill_the_range_and_are_always_the_same(shape):
    images = sample_images(shape, 2)
    assert images.shape == (2, *shape) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1 and images.std() > 0.05
    assert np.array_equal(images, sample_images(shape, 2)) and not np.array_equal(images[0], images[1])


def test_equal_outputs_do_not_differ_and_neither_do_none():
    one = (np.ones((1, 2, 3), np.float32),)
    assert compare_outputs(one, one) == 0 and compare_outputs((), ()) == 0
    assert compare_outputs((np.zeros((1, 2, 0)),), (np.zeros((1, 2, 0)),)) == 0


def test_scores_are_compared_absolutely_and_pixels_by_their_range():
    boxes, scores = np.full((1, 1, 4), 640.0), np.full((1, 1, 4), 0.2)
    expected = (np.concatenate([boxes, scores], axis=1),)
    moved = (np.concatenate([boxes + 0.64, scores], axis=1),)
    doubted = (np.concatenate([boxes, scores + 0.1], axis=1),)
    assert compare_outputs(expected, moved) == pytest.approx(1e-3)
    assert compare_outputs(expected, doubted) == pytest.approx(0.1)


@pytest.mark.parametrize("found", [(), (np.zeros((1, 2)),), (np.full((1, 2, 3), np.nan),)])
def test_other_shapes_and_missing_numbers_are_infinitely_far(found):
    assert compare_outputs((np.zeros((1, 2, 3)),), found) == float("inf")
