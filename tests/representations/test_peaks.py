"""Distances are SciPy's, and cells cut apart at peaks are those of scikit-image."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from cell_pipelines.representations.peaks import split_at_peaks, squared_distance


def blobs(seed: int, shape: tuple[int, int], smooth: float, share: float) -> NDArray[np.bool_]:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth)
    return field > np.quantile(field, 1 - share)


def components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return ndimage.label(mask)[0].astype(np.int32)


SCENES = st.builds(
    blobs,
    st.integers(0, 10**6),
    st.tuples(st.integers(2, 50), st.integers(2, 50)),
    st.floats(0, 4),
    st.floats(0.05, 0.95),
)


@settings(max_examples=40, deadline=None)
@given(SCENES)
def test_distances_are_those_of_scipy(mask: NDArray[np.bool_]) -> None:
    assume(not mask.all())
    assert np.array_equal(squared_distance(components(mask)), np.rint(ndimage.distance_transform_edt(mask) ** 2))


def test_far_distances_are_those_of_scipy_too() -> None:
    mask = np.ones((300, 401), dtype=bool)
    mask[7, 9] = False
    assert np.array_equal(squared_distance(components(mask)), np.rint(ndimage.distance_transform_edt(mask) ** 2))


def test_without_background_all_pixels_are_equally_far() -> None:
    assert (np.diff(squared_distance(np.ones((4, 5), np.int32)).ravel()) == 0).all()
    assert squared_distance(np.ones((0, 5), np.int32)).shape == (0, 5)


@settings(max_examples=40, deadline=None)
@given(SCENES, st.integers(2, 12))
def test_pieces_are_those_of_scikit_image(mask: NDArray[np.bool_], min_distance: int) -> None:
    labels, elevation = components(mask), squared_distance(components(mask))
    ours = split_at_peaks(labels, elevation, min_distance)
    peaks = tuple(peak_local_max(elevation, min_distance=min_distance, labels=labels, exclude_border=False).T)
    centres = np.zeros(mask.shape, np.int32)
    centres[peaks] = np.arange(1, len(peaks[0]) + 1)
    assume(not mask.all())
    assert np.array_equal(ours > 0, mask)
    assert np.unique(ours[mask]).size == centres.max() == np.unique(ours[peaks]).size
    # Which of two floods that start at one height comes first is open there.
    heights = np.stack([labels[peaks], elevation[peaks]])
    if np.unique(heights, axis=1).shape[1] == heights.shape[1]:
        theirs = watershed(-elevation, centres, mask=mask)
        assert np.unique(np.stack([ours[mask], theirs[mask]]), axis=1).shape[1] == centres.max()


@pytest.mark.parametrize("min_distance", [0, 0.5, 3, 1000])
def test_arguments_are_not_changed_and_a_distance_of_0_cuts_nothing(min_distance: float) -> None:
    mask = blobs(1, (40, 60), 3, 0.5)
    labels, elevation = components(mask), squared_distance(components(mask))
    before = labels.copy(), elevation.copy()
    pieces = split_at_peaks(labels, elevation, min_distance)
    assert np.array_equal(labels, before[0])
    assert np.array_equal(elevation, before[1])
    if min_distance in (0, 1000):
        assert np.array_equal(pieces, labels)
    else:
        assert pieces.max() > labels.max()
