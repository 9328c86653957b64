"""The brightness of cells against scikit-image and against backgrounds found pixel by pixel."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage
from skimage.measure import regionprops_table

from cell_pipelines.analysis.morphology.intensity import channel_columns, measure_intensities
from cell_pipelines.analysis.morphology.spans import find_spans

PROPERTIES = ["intensity_mean", "intensity_median", "intensity_std", "intensity_min", "intensity_max"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "int32", "float16", "float32", "float64", "bool"])
def test_brightness_is_that_of_scikit_image_in_every_dtype(dtype: str, labels, to_cells) -> None:
    image = np.random.default_rng(0).integers(0, 200, (*labels.shape, 2)).astype(dtype)
    image.flags.writeable = False
    ours = measure_intensities(find_spans(to_cells(labels)), image, ["a", "b"])
    theirs = regionprops_table(labels, image.astype(np.float64), properties=PROPERTIES)
    for name in PROPERTIES:
        for place, channel in enumerate("ab"):
            assert_allclose(ours[f"{name}_{channel}"], theirs[f"{name}-{place}"], rtol=1e-12, atol=1e-9)
    counts = np.unique(labels[labels > 0], return_counts=True)[1]
    assert_allclose(ours["intensity_integrated_a"], counts * theirs["intensity_mean-0"], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("ring_px", [1, 4])
def test_backgrounds_are_medians_of_the_pixels_around_or_of_all_outside(ring_px: int, labels, to_cells) -> None:
    image = np.random.default_rng(0).normal(size=labels.shape)
    spans = find_spans(to_cells(labels))
    local = measure_intensities(spans, image, ["a"], background="local", ring_px=ring_px)
    whole = measure_intensities(spans, image, ["a"], background="image")
    free = labels == 0
    expected = []
    for value in np.unique(labels[labels > 0]):
        near = free & (ndimage.distance_transform_edt(labels != value) <= ring_px)
        expected.append(np.median(image[near]) if near.any() else np.nan)
    assert_allclose(local["intensity_background_a"], expected)
    assert_allclose(whole["intensity_background_a"], np.median(image[free]))
    counts = np.unique(labels[labels > 0], return_counts=True)[1]
    for found in (local, whole):
        level = found["intensity_background_a"]
        assert_allclose(found["intensity_mean_corrected_a"], found["intensity_mean_a"] - level)
        assert_allclose(
            found["intensity_integrated_corrected_a"], found["intensity_integrated_a"] - counts * level, atol=1e-9
        )


def test_without_a_pixel_outside_cells_there_is_no_background(to_cells) -> None:
    spans = find_spans(to_cells(np.ones((5, 5), int)))
    for background in ("image", "local"):
        found = measure_intensities(spans, np.ones((5, 5)), ["a"], background=background)
        assert np.isnan(found["intensity_background_a"]).all()
        assert found["intensity_mean_a"] == 1


def test_a_missing_grey_value_makes_its_cell_missing(to_cells) -> None:
    image = np.ones((4, 4))
    image[0, 0] = np.nan
    found = measure_intensities(find_spans(to_cells(np.array([[1] * 4, [0] * 4, [2] * 4, [2] * 4]))), image, ["a"])
    assert np.isnan(found["intensity_median_a"]).tolist() == [True, False]


def test_channel_names_become_columns_that_differ() -> None:
    assert channel_columns([], 2) == ["channel_0", "channel_1"]
    assert channel_columns(["DAPI", "dapi", "DAPI 2", "-"], 4) == ["dapi", "dapi_2", "dapi_2_2", "channel_3"]
    with pytest.raises(ValueError, match="must name all 3 channels"):
        channel_columns(["a"], 3)
