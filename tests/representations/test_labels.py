import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell_pipelines.representations.labels import Labels
from cell_pipelines.thresholds import Threshold

images = st.lists(st.integers(0, 9), min_size=12, max_size=12).map(lambda v: np.array(v, np.int64).reshape(3, 4) * 7)


@given(images)
def test_cells_are_those_of_the_label_image_numbered_without_a_gap(image):
    found = Labels().decode(Labels().reduce(image[None]), Threshold(0.0))
    assert found.labels.dtype == np.int32 and found.labels.max() == len(found.scores) == len(set(image[image > 0]))
    pairs = set(zip(image.ravel().tolist(), found.labels.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(image)) and all((a == 0) == (b == 0) for a, b in pairs)


@given(images, st.integers(0, 5))
def test_only_the_least_area_leaves_cells_out(image, least):
    labels = Labels()
    scores = labels.reduce(image[None])
    found = [labels.decode(scores, Threshold(score, least)).labels for score in (0.0, 0.5, 1.0)]
    areas = np.unique(image[image > 0], return_counts=True)[1]
    assert found[0].max() == (areas >= least).sum()
    np.testing.assert_array_equal(found[0], found[2])
    assert not labels.is_scored and np.isnan(labels.decode(scores, Threshold()).scores).all()


@pytest.mark.parametrize("outputs", [np.full((1, 2, 2), 0.5), np.full((1, 2, 2), -1), np.full((1, 2, 2), np.nan)])
def test_what_is_no_label_image_is_refused(outputs):
    with pytest.raises(ValueError, match="whole numbers from 0 on"):
        Labels().reduce(outputs)


def test_numbers_that_float32_cannot_tell_apart_are_refused():
    with pytest.raises(ValueError, match="below 16777216"):
        Labels().reduce(np.full((1, 2, 2), 2.0**24, np.float32))
